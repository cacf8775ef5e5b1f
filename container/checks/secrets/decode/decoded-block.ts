/** Bytes that were decoded from a part of a text. */
export interface DecodedBlock {
  readonly encoding: string
  readonly content: Buffer
  /** Where the encoded part begins in the text, in bytes. */
  readonly offset: number
}

/** Decides whether decoded bytes are scanned. */
export interface WorthDecoding {
  /** Decides by the first bytes. */
  readonly prefix: (prefix: Buffer) => boolean
  /** Decides by all bytes. */
  readonly content: (content: Buffer) => boolean
  /** Words that decode to nothing worth a scan, since the same names are all over a source code. */
  readonly worthless: Set<string>
}
