import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { defaultLimits } from '../../container/checks/limits.ts'
import { inMemory, SEGMENT } from '../../container/checks/secrets/source.ts'
import { Budget } from '../../container/checks/secrets/unpack.ts'
import { type View, viewsOf } from '../../container/checks/secrets/views.ts'
import { githubToken } from './fakes.ts'

async function views(content: Buffer): Promise<View[]> {
  const found: View[] = []
  const budget = new Budget({ ...defaultLimits, maxBlobBytes: SEGMENT })
  const options = { path: 'a', folder: '/nonexistent', budget, signal: new AbortController().signal }
  for await (const view of viewsOf(inMemory(content), options)) found.push(view)
  return found
}

// Patterns with a greedy repeat overflow V8's stack on a match of some megabytes.
test.each<[string, () => Buffer]>([
  ['one letter', () => Buffer.alloc(SEGMENT, 'a')],
  ['lines of letters', () => Buffer.from(`${'z'.repeat(76)}\n`.repeat(SEGMENT / 77))],
  ['base64 in one line', () => Buffer.from(randomBytes(SEGMENT / 2).toString('base64'))],
  ['a list of bytes', () => Buffer.from('0x41, '.repeat(SEGMENT / 6))],
  [
    'UTF-16 in a binary',
    () => Buffer.concat([randomBytes(9001), Buffer.from('a'.repeat(SEGMENT / 3), 'utf16le')]),
  ],
  ['readable text in a binary', () => Buffer.concat([randomBytes(9001), Buffer.alloc(SEGMENT / 2, 'text ')])],
])('8 MiB of %s can be looked at', async (_, content) => {
  expect((await views(content())).length).toBeGreaterThan(0)
})

test('what is wrapped over many lines is decoded as one piece, from its first line', async () => {
  const secret = githubToken()
  const inner = `${'x'.repeat(70)} ${secret}\n${'text and more text\n'.repeat(500)}`
  const wrapped = Buffer.from(inner).toString('base64').replace(/.{76}/g, '$&\r\n')
  const found = await views(Buffer.from(`first:\nsecond:\n  ${wrapped}\nlast\n`))
  const whole = found.find(view => view.how[0] === 'base64' && view.content.includes(inner))
  expect(whole?.lines).toEqual({ kind: 'at', line: 3 })
})
