import type { CompressedStream } from './compressed-stream.ts'

/** The signature of a zip's local file header (APPNOTE 4.3.7). */
export const ZIP_LOCAL_HEADER = Buffer.from('PK\x03\x04', 'latin1')
/** The longest name that is read, in bytes. */
export const MAX_NAME_BYTES = 512
const ZIP_SIGNATURE = Buffer.from('PK')
/** A tar header has this magic at offset 257, and is one block long (POSIX ustar). */
const TAR_MAGIC = Buffer.from('ustar')
const TAR_MAGIC_OFFSET = 257
const TAR_BLOCK = 512
/** The part of a record with a long name that is read, in bytes. */
const MAX_LONG_NAME_BYTES = 4096

/** Returns the zip entry whose local header begins at `header`; undefined: the content ends inside the header. */
export const zipEntry = (content: Buffer, header: number) =>
  content.length < header + 30 ? undefined : new ZipEntry(content, header)

/**
 * An entry by its local header (APPNOTE 4.3.7). Programs read the central directory instead, so an entry may be
 * deflated though its local header says stored. Entries of other methods are found by their magic.
 */
class ZipEntry implements CompressedStream, Member {
  readonly kind = 'deflate'
  readonly offset: number
  readonly #content: Buffer
  readonly #header: number
  constructor(content: Buffer, header: number) {
    this.#content = content
    this.#header = header
    this.offset = header + 30 + this.#nameLength + content.readUInt16LE(header + 28)
  }
  get name(): string {
    const start = this.#header + 30
    return this.#content.toString('utf8', start, start + Math.min(this.#nameLength, MAX_NAME_BYTES))
  }
  get size(): number {
    return this.#content.readUInt32LE(this.#header + 18)
  }
  get method(): number {
    return this.#content.readUInt16LE(this.#header + 8)
  }
  get #nameLength(): number {
    return this.#content.readUInt16LE(this.#header + 26)
  }
}

/** An uncompressed file in an archive. */
export interface Member {
  readonly name: string
  readonly offset: number
  readonly size: number
}

/** Yields the uncompressed files in `content`: those of tar, and the stored entries of zip, each by its own header. */
export function* storedMembers(content: Buffer): Generator<Member> {
  for (
    let offset = content.indexOf(ZIP_LOCAL_HEADER);
    offset >= 0;
    offset = content.indexOf(ZIP_LOCAL_HEADER, offset + 4)
  ) {
    const entry = zipEntry(content, offset)
    if (entry?.method !== 0) continue
    // An entry whose size follows it ends where the next header begins.
    const next = entry.size > 0 ? -1 : content.indexOf(ZIP_SIGNATURE, entry.offset)
    yield entry.size > 0
      ? entry
      : {
          name: entry.name,
          offset: entry.offset,
          size: Math.max(0, (next < 0 ? content.length : next) - entry.offset),
        }
  }
  let longName: string | undefined
  for (
    let magicOffset = content.indexOf(TAR_MAGIC);
    magicOffset >= 0;
    magicOffset = content.indexOf(TAR_MAGIC, magicOffset + 1)
  ) {
    const header = magicOffset - TAR_MAGIC_OFFSET
    if (header < 0 || header + TAR_BLOCK > content.length) continue
    const field = (from: number, length: number) =>
      content.toString('latin1', header + from, header + from + length).split('\0', 1)[0] ?? ''
    const data = header + TAR_BLOCK
    const size = Number.parseInt(field(124, 12).trim(), 8) || 0
    const type = field(156, 1)
    if (type === 'L')
      longName = withoutPadding(content.toString('latin1', data, data + Math.min(size, MAX_LONG_NAME_BYTES)))
    else if (type === 'x')
      longName = / path=([^\n]*)\n/.exec(
        content.toString('latin1', data, data + Math.min(size, MAX_LONG_NAME_BYTES)),
      )?.[1]
    else {
      yield { name: longName ?? field(0, 100), offset: data, size }
      longName = undefined
    }
  }
}

/** Returns the text without the NUL bytes at its end. */
function withoutPadding(text: string): string {
  let end = text.length
  while (text[end - 1] === '\0') end--
  return text.slice(0, end)
}
