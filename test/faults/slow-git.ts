import fs from 'node:fs'
import path from 'node:path'
import { gitText } from '../harness/index.ts'

/** A client's git whose pack can be made to stand still. */
export interface SlowGit {
  /** The environment that makes git use it. */
  readonly env: Readonly<Record<string, string>>
  /** From now on packs stand still after so many bytes, until they may flow again. */
  holdAfter(bytes: number): void
  flow(): void
}

/** Real git, except that its pack-objects writes a part of the pack, and the rest when it may. */
export async function slowGit(dir: string): Promise<SlowGit> {
  const programs = path.join(dir, 'git-core')
  const hold = path.join(dir, 'hold-pack')
  const real = await gitText(['--exec-path'])
  fs.mkdirSync(programs, { recursive: true })
  for (const name of fs.readdirSync(real))
    if (name !== 'git') fs.symlinkSync(path.join(real, name), path.join(programs, name))
  fs.writeFileSync(
    path.join(programs, 'git'),
    `#!/bin/bash
if [ "$1" = pack-objects ] && [ -e '${hold}' ]; then
  exec 3>&1
  '${real}/git' "$@" | {
    head -c "$(cat '${hold}')" >&3
    while [ -e '${hold}' ]; do sleep 0.05; done
    cat >&3
  }
  exit
fi
exec '${real}/git' "$@"
`,
    { mode: 0o755 },
  )
  return {
    env: { GIT_EXEC_PATH: programs },
    holdAfter: bytes => fs.writeFileSync(hold, String(bytes)),
    flow: () => fs.rmSync(hold, { force: true }),
  }
}
