import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { inject } from 'vitest'
import { type LocalGate, startLocalGate } from '../../local/gate.ts'
import { type Home, openHome } from '../../local/state-folder.ts'
import { migratedState } from './ledger/migrated-state.ts'
import { freePort } from './network/free-port.ts'
import { restartableWorker } from './restartable-worker.ts'

export interface ProcessOptions {
  /** GATE_… settings of Worker and companion, such as { GATE_CLIENT_IDLE_SECONDS: '1' }. */
  readonly settings?: Readonly<Record<string, string>>
  /** Returns the URL at which the Worker reaches the companion. */
  readonly companionThrough?: (url: string) => Promise<string>
  /** The names of R2 bindings; none by default. */
  readonly buckets?: readonly string[]
  /** The address that the Worker listens on; 127.0.0.1 by default. */
  readonly host?: string
}

/** The processes of a gate, without a repository: real workerd and a real companion. */
export interface GateProcesses extends AsyncDisposable {
  readonly home: Home
  readonly local: LocalGate
  /** All lines that Worker and companion logged. */
  readonly log: readonly string[]
  /** Kills workerd (SIGKILL). `startAgain` starts it on the same port and ledger. */
  killWorker(): Promise<{ startAgain(): Promise<void> }>
}

export async function startProcesses(options: ProcessOptions): Promise<GateProcesses> {
  await using all = new AsyncDisposableStack()
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-'))
  all.defer(() => fs.rmSync(dir, { recursive: true, force: true, maxRetries: 3 }))
  const home = all.use(openHome(path.join(dir, 'home'), {}))
  fs.cpSync(await migratedState(), home.state, { recursive: true })
  const log: string[] = []
  const runtime = restartableWorker(fs.readFileSync(inject('worker'), 'utf8'), options.host)
  const local = all.use(
    await startLocalGate({
      home,
      // With git:// the companion gets the Worker's port before the Worker starts.
      port: options.settings?.GATE_GIT_LISTEN ? await freePort() : 0,
      companionPort: 0,
      settings: options.settings ?? {},
      log: line => log.push(line),
      async runWorker({ bindings, ...worker }) {
        const through = options.companionThrough
        const { GATE_COMPANION_URL: url = '' } = bindings
        return runtime.start({
          ...worker,
          ...(options.buckets ? { buckets: options.buckets } : {}),
          bindings: through ? { ...bindings, GATE_COMPANION_URL: await through(url) } : bindings,
        })
      },
    }).catch(error => {
      throw new Error(`the gate does not start:\n${log.join('\n')}`, { cause: error })
    }),
  )
  const running = all.move()
  return {
    home,
    local,
    log,
    killWorker: runtime.kill,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
