/** The compression of a stream. */
export type Compression = 'gzip' | 'zlib' | 'deflate' | 'zstd' | 'xz' | 'bzip2'

/** A compressed stream inside a file. Names are read on demand: a file can look like many entries with long names. */
export interface CompressedStream {
  readonly kind: Compression
  /** Where the stream begins, in bytes. Deflate's begins after its header, so that a wrong trailer does no harm. */
  readonly offset: number
  /** The name of the entry in its archive. */
  readonly name?: string | undefined
  /** The file name in a gzip header. Only rules that ask for a name use it. */
  readonly originalName?: string | undefined
}
