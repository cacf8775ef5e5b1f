import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { type RunningGit, until } from '../harness/index.ts'
import { running, type Scene } from './scene.ts'

/** A refresh of the mirror that has begun and does not end: upstream waits for one of its own refs, a pipe. */
export async function holdRefresh({ gate, work }: Scene): Promise<AsyncDisposable> {
  const isHeld = () => (running(gate, 'git-upload-pack') ? true : undefined)
  const isOver = () => (isHeld() ? undefined : true)
  await until(isOver, 20_000, () => 'an earlier refresh goes on')
  const pipe = path.join(gate.upstream.dir, 'refs/heads/never-read')
  execFileSync('mkfifo', [pipe])
  const asking: RunningGit = work.git(['ls-remote', 'origin'])
  asking.catch(() => {})
  await until(isHeld, 20_000, () => 'no refresh begins')
  return {
    async [Symbol.asyncDispose]() {
      fs.rmSync(pipe)
      asking.kill()
      // With every git that waits there.
      await gate.upstream.stop()
      await gate.upstream.start()
    },
  }
}
