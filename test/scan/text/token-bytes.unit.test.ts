import fc from 'fast-check'
import { expect, test } from 'vitest'
import { base64Start, hexStart, START_CHARS } from '../../../container/checks/secrets/decode/token-bytes.ts'

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_'

test.each([
  ['base64', base64Start, BASE64],
  ['hex', hexStart, '0123456789abcdefABCDEF'],
] as const)(
  "the beginning of a token in %s decodes as Node's decoder does",
  (encoding, decodeStart, alphabet) => {
    const token = fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 2 * START_CHARS, size: 'max' })
    fc.assert(
      fc.property(token, fc.nat(5), (text, skip) => {
        const start = text.slice(skip, skip + START_CHARS)
        expect(decodeStart(Buffer.from(text), skip, text.length)).toEqual(Buffer.from(start, encoding))
      }),
    )
  },
)
