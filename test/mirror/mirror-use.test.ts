import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import type { Git } from '../../container/git/git.ts'
import { createMirrorUse } from '../../container/mirror/mirror-use.ts'
import { seconds, until } from '../harness/index.ts'

test('the files of a killed git are removed, also during maintenance of the mirror', async () => {
  using stack = new DisposableStack()
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-mirror-use-'))
  stack.defer(() => fs.rmSync(dir, { recursive: true, force: true }))
  // Maintenance begins when there is a pack without a commit-graph.
  fs.mkdirSync(path.join(dir, 'objects/pack'), { recursive: true })
  fs.writeFileSync(path.join(dir, 'objects/pack/pack-1.pack'), '')
  const { promise: maintained, resolve: goOn } = Promise.withResolvers<void>()
  let isMaintaining = false
  const git: Pick<Git, 'dir' | 'run'> = {
    dir,
    async run([command]) {
      if (command === 'commit-graph') {
        isMaintaining = true
        await maintained
      }
      return { code: 0, signal: null, stdout: Buffer.alloc(0), stderr: '' }
    },
  }
  const enter = createMirrorUse(git as Git, () => {})
  const [leave, leaveKilled] = [await enter(), await enter()]
  leave(false)
  await until(
    () => isMaintaining || undefined,
    seconds(30),
    () => 'it is not maintained',
  )
  const lock = path.join(dir, 'packed-refs.lock')
  fs.writeFileSync(lock, '')
  leaveKilled(true)
  goOn()
  await until(
    () => (fs.existsSync(lock) ? undefined : true),
    seconds(30),
    () => 'the lock stays',
  )
  expect(fs.existsSync(dir)).toBe(true)
})

test('files that could not be removed are removed before the next use', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-mirror-use-'))
  using _ = { [Symbol.dispose]: () => fs.rmSync(dir, { recursive: true, force: true }) }
  const lock = path.join(dir, 'packed-refs.lock')
  fs.writeFileSync(lock, '')
  let isDiskBroken = true
  const git: Pick<Git, 'dir' | 'run'> = {
    get dir() {
      if (isDiskBroken) throw new Error('EIO')
      return dir
    },
    run: async () => ({ code: 0, signal: null, stdout: Buffer.alloc(0), stderr: '' }),
  }
  const enter = createMirrorUse(git as Git, () => {})
  await expect(enter()).rejects.toThrow('EIO')
  isDiskBroken = false
  const leave = await enter()
  expect(fs.existsSync(lock)).toBe(false)
  leave(false)
})
