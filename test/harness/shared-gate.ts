import fs from 'node:fs'
import path from 'node:path'
import { type Gate, gateOn } from './gate.ts'
import { type GateProcesses, startProcesses } from './gate-processes.ts'
import { startUpstream } from './hosts/upstream.ts'
import { readLedger, resetLedger } from './ledger/ledger-file.ts'

/** A started gate that no test has at the moment, and the rows of its ledger when it was new. */
interface Spare {
  readonly processes: GateProcesses
  readonly rows: ReturnType<typeof readLedger>
  readonly companion: number
}

/** The spare gates of this test process. They end with it (local/process/die-with-parent.sh). */
const spares: Spare[] = []

/**
 * Takes a gate that earlier tests of this process have used, or starts one. It has an empty ledger and the
 * repository `app` with its own upstream. Starting a gate costs 1.1 s of processor time, sharing one 0.3 s.
 *
 * A test may share unless it needs settings, kills a process, measures a process, or reads the folders of a
 * companion: it starts its own with `startGate`.
 */
export async function sharedGate(upstream: { empty?: boolean } = {}): Promise<Gate> {
  const spare = spares.pop() ?? (await startSpare())
  const { home, local } = spare.processes
  await using all = new AsyncDisposableStack()
  all.defer(() => {
    // A test that killed the companion, or whose cleanup failed, leaves no gate to others.
    if (local.companion.pid !== spare.companion) return spare.processes[Symbol.asyncDispose]()
    resetLedger(home.dir, spare.rows)
    for (const folder of ['mirrors', 'identities']) empty(path.join(home.companion, folder))
    spares.push(spare)
  })
  const ends = all.use(new AsyncDisposableStack())
  const gate = await gateOn(spare.processes, ends, { upstream: ends.use(await startUpstream(upstream)) })
  const running = all.move()
  return {
    ...gate,
    get log() {
      return gate.log
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

async function startSpare(): Promise<Spare> {
  const processes = await startProcesses({})
  const { home, local } = processes
  return { processes, rows: readLedger(home.dir), companion: local.companion.pid }
}

function empty(folder: string): void {
  if (!fs.existsSync(folder)) return
  for (const name of fs.readdirSync(folder))
    fs.rmSync(path.join(folder, name), { recursive: true, force: true, maxRetries: 3 })
}
