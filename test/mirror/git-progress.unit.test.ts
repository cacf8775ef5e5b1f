import { expect, test } from 'vitest'
import { GitProgress } from '../../container/git/git-progress.ts'

test('a message of an upstream that never ends its line is kept within a limit', () => {
  const progress = new GitProgress()
  for (let i = 0; i < 1_000; i++) progress.push(Buffer.from('x'.repeat(10_000)))
  progress.push(Buffer.from(' and ends\nReceiving objects:  42% (420/1000)\r'))
  expect(progress.stderr.length).toBeLessThanOrEqual(4_096)
  expect(progress.stderr).toMatch(/x and ends\n$/)
  expect(progress.now).toBe('Receiving objects: 42% (420/1000)')
})
