import { byteClass } from './byte-runs.ts'
import { hasByteOf, type Survey } from './survey.ts'

/** The shortest decoded part that is scanned by itself, in bytes. */
export const MIN_DECODED_BYTES = 12

const UNPRINTABLE = byteClass(/[^\t\n\r\x20-\x7e]/)

/** Says by the first 4 KiB whether the content is text that a person or a program reads. */
export function isText(content: Buffer, survey?: Survey): boolean {
  const length = Math.min(content.length, 4096)
  if (length < MIN_DECODED_BYTES) return false
  if (survey && !hasByteOf(survey, UNPRINTABLE)) return true
  let controls = 0
  let nonAscii = 0
  for (let offset = 0; offset < length; offset++) {
    const byte = content[offset] as number
    if (byte > 127) nonAscii++
    else if ((byte < 32 && byte !== 9 && byte !== 10 && byte !== 13) || byte === 127) controls++
  }
  if (controls * 20 > length) return false
  // Half of random bytes are above 127. UTF-8 that is mostly not ASCII decodes without a replacement character.
  return (
    nonAscii * 10 < length ||
    !content
      .subarray(0, length - 4)
      .toString('utf8')
      .includes('\ufffd')
  )
}

export const PRINTABLE = byteClass(/[\t\n\r\x20-\x7e]/)
/**
 * The length of a printable run that counts as text. Random bytes have such a run once in ten megabytes, and no secret
 * that gitleaks knows by its form is shorter.
 */
const MIN_TEXT_RUN = 16

/** Returns whether there is a printable run anywhere in the content, in ASCII or in UTF-16 and UTF-32 with their zeros. */
export function containsText(content: Buffer): boolean {
  let run = 0
  for (let offset = 0; offset < content.length; offset++) {
    const byte = content[offset] as number
    if (PRINTABLE[byte] === 1) {
      if (++run === MIN_TEXT_RUN) return true
    } else if (byte !== 0) run = 0
  }
  return false
}

/** Returns UTF-16 or UTF-32 without its zero bytes. Content with few zeros is returned as it is. */
export function dropZeroBytes(content: Buffer): Buffer {
  let zeros = 0
  for (let offset = 0; offset < content.length; offset++) if (content[offset] === 0) zeros++
  return zeros * 3 > content.length ? Buffer.from(content.filter(byte => byte !== 0)) : content
}
