import fs from 'node:fs'
import path from 'node:path'
import { until } from '../harness/index.ts'
import { gitleaks } from '../scan/gitleaks.ts'

/** How the gate's gitleaks behaves: as itself, waiting, never ending, killed, or not there. */
export type Behaviour = 'real' | 'waits' | 'hangs' | 'killed' | 'missing'

export interface SlowGitleaks {
  /** For GATE_GITLEAKS. */
  readonly program: string
  be(behaviour: Behaviour): void
  /** Resolves when it has been started since it was told how to be. */
  started(): Promise<void>
}

/** The real gitleaks behind a script that can hold it, so that a push stays in its scan. */
export function slowGitleaks(dir: string): SlowGitleaks {
  const program = path.join(dir, 'gitleaks')
  const hold = path.join(dir, 'hold-scan')
  const mark = path.join(dir, 'scan-started')
  const script = (line: string) => `#!/bin/sh\n: > '${mark}'\n${line}\nexec '${gitleaks}' "$@"\n`
  const lines: Record<Exclude<Behaviour, 'missing'>, string> = {
    real: '',
    waits: `while [ -e '${hold}' ]; do sleep 0.05; done`,
    hangs: 'exec sleep 1000',
    killed: 'kill -9 $$',
  }
  const be = (behaviour: Behaviour) => {
    fs.rmSync(mark, { force: true })
    if (behaviour === 'missing') return fs.rmSync(program, { force: true })
    if (behaviour === 'waits') fs.writeFileSync(hold, '')
    fs.writeFileSync(`${program}.new`, script(lines[behaviour]), { mode: 0o755 })
    fs.renameSync(`${program}.new`, program)
    if (behaviour !== 'waits') fs.rmSync(hold, { force: true })
  }
  be('real')
  return {
    program,
    be,
    started: async () => {
      await until(
        () => (fs.existsSync(mark) ? true : undefined),
        60_000,
        () => 'gitleaks was not started',
      )
    },
  }
}
