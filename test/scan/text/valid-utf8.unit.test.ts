import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { validUtf8 } from '../../../container/checks/secrets/gitleaks/valid-utf8.ts'

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 }).map(text => new TextEncoder().encode(text)),
)
const content = fc.array(bytes, { maxLength: 4 }).map(parts => Buffer.concat(parts))

test('any bytes become valid UTF-8 of the same length, and only invalid bytes change', () => {
  fc.assert(
    fc.property(content, text => {
      const valid = validUtf8(text)
      expect(isUtf8(valid)).toBe(true)
      expect(valid.length).toBe(text.length)
      const changed = [...text.keys()].filter(i => valid[i] !== text[i])
      for (const i of changed) expect([valid[i], (text[i] ?? 0) > 0x7f]).toEqual([1, true])
      // WHATWG's decoder keeps the same valid characters.
      const kept = (decoded: string) => decoded.replace(/[\x01\ufffd]+/g, '')
      expect(kept(valid.toString('utf8'))).toBe(kept(text.toString('utf8')))
    }),
    { numRuns: 2_000 },
  )
})

test.each([
  ['an overlong form', [0xc0, 0xaf]],
  ['a surrogate', [0xed, 0xa0, 0x80]],
  ['a code point above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ['a character that the end cuts', [0xe2, 0x82]],
])('%s is invalid', (_, invalid) => {
  expect(validUtf8(Buffer.from(invalid))).toEqual(Buffer.alloc(invalid.length, 1))
})
