import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { type Clone, cloneIn } from '../test/harness/clone.ts'
import { gitText } from '../test/harness/git.ts'
import type { Stage } from './bench-fixture.ts'
import { text } from './repositories.ts'

/** A clone that creates different commits of the same size. */
export interface WorkTree extends Clone {
  /** Commits a file of 2 KB, or these files. */
  change(files?: Readonly<Record<string, Buffer>>): Promise<void>
}

export async function workTree(stage: Stage, repository: string): Promise<WorkTree> {
  const dir = stage.fresh('tree')
  await gitText(['clone', '-q', repository, dir], { within: 600_000 })
  const clone = cloneIn(dir)
  return {
    ...clone,
    async change(files = { 'notes.txt': text(2_000) }) {
      for (const [name, content] of Object.entries(files)) {
        fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true })
        fs.writeFileSync(path.join(dir, name), content)
      }
      const slow = { cwd: dir, within: 600_000 }
      await gitText(['add', '--all'], slow)
      await gitText(['commit', '-q', '-m', `Change ${randomUUID()}`], slow)
    },
  }
}
