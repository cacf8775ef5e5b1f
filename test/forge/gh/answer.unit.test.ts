import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { replaceIn } from '../../../container/host-calls/answer.ts'

const TOKEN = 'held-by-the-gate'
const pass = (...chunks: string[]) =>
  text(Readable.from(chunks.map(chunk => Buffer.from(chunk))).pipe(replaceIn(TOKEN)))

test('the credential’s token does not pass, however the host’s text is cut into chunks', async () => {
  const whole = `+ä ${TOKEN} and ${TOKEN}${TOKEN.slice(0, 5)}`
  const expected = `+ä ${'*'.repeat(16)} and ${'*'.repeat(16)}held-`
  expect(await pass(whole)).toBe(expected)
  for (let at = 0; at <= whole.length; at++)
    expect(await pass(whole.slice(0, at), whole.slice(at))).toBe(expected)
  expect(await pass(...whole)).toBe(expected)
})
