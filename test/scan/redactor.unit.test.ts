import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { sanitizeForAgent } from '../../container/checks/sanitize-text.ts'
import { Redactor } from '../../container/checks/secrets/findings/redactor.ts'

const secret = () => `S3cr${randomBytes(12).toString('hex')}`
/** No eight characters of it in a row. */
const hasNothingOf = (text: string, of: string) => {
  for (let at = 0; at + 8 <= of.length; at++) expect(text).not.toContain(of.slice(at, at + 8))
}

test('text for people has neither control nor invisible characters, nor tokens, and keeps its ends where it is long', () => {
  const odd = [
    '\x00',
    '\x1b',
    '\x7f',
    '\x9b',
    '\u200b',
    '\u200f',
    '\u2028',
    '\u202e',
    '\u2066',
    '\ufeff',
    '\ufffd',
  ]
  for (const each of odd) expect(sanitizeForAgent(`a${each}b`)).toBe('a?b')
  expect(sanitizeForAgent('é ❤ ok')).toBe('é ❤ ok')
  expect(sanitizeForAgent(`x gh${'p_'}${'a1'.repeat(18)} y`)).toBe('x [redacted] y')
  const long = sanitizeForAgent(`begin ${'m'.repeat(500)} end`)
  expect(long).toHaveLength(199)
  expect(long).toMatch(/^begin m+…m+ end$/)
  expect(sanitizeForAgent('x'.repeat(200))).toBe('x'.repeat(200))
})

test.each<[string, (secret: string) => string]>([
  ['as it is', plain => plain],
  ['in other capitals', plain => plain.toUpperCase()],
  ['backwards', plain => [...plain].reverse().join('')],
  ['in base64', plain => Buffer.from(plain).toString('base64url')],
  ['in base64 behind a letter', plain => Buffer.from(`x${plain}`).toString('base64')],
  ['in base64 behind two letters', plain => Buffer.from(`xy${plain}`).toString('base64')],
  ['in hex', plain => Buffer.from(plain).toString('hex')],
  ['percent-encoded', plain => Buffer.from(plain).toString('hex').replace(/../g, '%$&')],
])('a part of a path that holds a secret %s is not shown, and the others are', (_what, spell) => {
  const plain = secret()
  const shown = new Redactor([plain]).redactPath(`docs/${spell(plain).replaceAll('/', '_')}.txt/c.md`)
  expect(shown).toBe('docs/[redacted]/c.md')
})

test('a secret that spans parts of a path hides all of it', () => {
  expect(new Redactor(['alpha/beta1234']).redactPath('docs/alpha/beta1234')).toBe('[redacted]')
  expect(new Redactor(['alpha/beta1234']).redactPath('docs/alpha/beta')).toBe('docs/alpha/beta')
})

test('each long line and word of a secret is one too; short ones and the frame of a key are not', () => {
  const line = secret()
  const frame = (side: string) => `-----${side} PRIVATE KEY-----`
  const key = `${frame('BEGIN')}\n${line}\\nshort word\n${frame('END')}`
  const redactor = new Redactor([key, 'abc'])
  expect(redactor.redactPath(`a/${line}`)).toBe('a/[redacted]')
  expect(redactor.redactPath(`a/short/word/abc/${frame('BEGIN')}`)).toBe(`a/short/word/abc/${frame('BEGIN')}`)
  expect(new Redactor(['abcd']).redactPath('a/xabcdx')).toBe('a/[redacted]')
})

test('an excerpt shows what stands before a secret, without other secrets or what could be one, and nothing behind it', () => {
  const [first, second] = [secret(), secret()]
  const redactor = new Redactor([first, second])
  expect(redactor.excerpt(`key = ${first} behind`, first)).toBe('key = [redacted]')
  expect(redactor.excerpt(`a ${second} key = ${first}`, first)).toBe('a [redacted] key = [redacted]')
  expect(redactor.excerpt('password_number_1234567 = x', 'x')).toBe('… = [redacted]')
  hasNothingOf(redactor.excerpt(`${first.slice(0, 10)}${second}${first}`, first), second)
  // A secret that begins before the other one and goes on behind its start.
  expect(new Redactor(['abcdEFGH', 'EFGHijkl']).excerpt('k abcdEFGHijkl', 'EFGHijkl')).toBe('k [redacted]')
  // The longer one is looked for first, and stands behind the shorter one.
  expect(
    new Redactor(['shorter-one', 'a-much-longer-one', 'last-one']).excerpt(
      'k shorter-one l a-much-longer-one m last-one',
      'last-one',
    ),
  ).toBe('k [redacted] l [redacted] m [redacted]')
  const far = redactor.excerpt(`${'w '.repeat(200)}${first}`, first)
  expect(far.length).toBeLessThan(100)
  expect(redactor.excerpt(`${'w '.repeat(200)}`, first).length).toBeLessThan(100)
})

test('where there are more secrets than are compared with, all that could be one is not shown', () => {
  const many = Array.from({ length: 600 }, secret)
  const redactor = new Redactor(many)
  expect(redactor.redactPath(`docs/${many.at(-1)}/a.md`)).toBe('docs/[redacted]/a.md')
  expect(redactor.redactPath('docs/guide.md')).toBe('docs/guide.md')
  expect(redactor.excerpt(`key = ${many.at(-1)}`, many.at(-1) ?? '')).toBe('[redacted]')
})
