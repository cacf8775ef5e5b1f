import { expect, test } from 'vitest'
import { GitProgress } from '../../container/git/git-progress.ts'
import { processorMs } from '../harness/processor-time.ts'

test('a message of an upstream that never ends its line is kept within a limit, at a steady cost', () => {
  const progress = new GitProgress()
  const part = Buffer.from('x'.repeat(10_000))
  const ms = processorMs(() => {
    for (let i = 0; i < 2_000; i++) progress.push(part)
  })
  // Kept whole, the message takes 20 MB, and each part of it as long as all parts before.
  expect(ms).toBeLessThan(2_000)
  progress.push(Buffer.from(' and ends\nReceiving objects:  42% (420/1000)\r'))
  expect(progress.stderr).toMatch(/x and ends\n$/)
  expect(progress.now).toBe('Receiving objects: 42% (420/1000)')
})
