import fs from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { descendantsOf } from '../../local/process/processes.ts'
import { type Gate, mustGit } from '../bench-fixture.ts'
import { binary } from '../repositories.ts'
import type { Result, Row } from '../row.ts'
import { workTree } from '../work-tree.ts'

export const LIMIT_MB = 48

/** The peak memory of Worker and companion above their idle memory, during a large push and a large clone. */
export const memory: Row = {
  name: 'memory',
  async run(stage, { quick }) {
    const megabytes = quick ? 100 : 1_000
    const place = await stage.place('heavy', { commits: 20 })
    const gate = await stage.anotherGate({ GATE_SCAN_SECONDS: '1800', GATE_FORWARD_SECONDS: '1800' }, [
      place.name,
    ])
    const url = await gate.agent('ada', place.name, ['refs/heads/**'])
    // Warms up first: the memory that the first requests load does not grow with later requests.
    const tree = await workTree(stage, place.dir)
    for (let i = 0; i < 5; i++) {
      await tree.change()
      await mustGit(['push', '-q', url, 'HEAD:refs/heads/warm'], { cwd: tree.dir })
      await mustGit(['clone', '-q', '--bare', url, stage.fresh('warm')])
    }
    await delay(3_000)
    const idle = resident(gate)
    const results: Result[] = [
      {
        work: 'idle memory of the companion',
        against: '',
        gate: `${mb(idle.companion)} (Worker: ${mb(idle.worker)})`,
        peer: '',
      },
    ]
    const names = Array.from({ length: megabytes / 10 }, (_, i) => `data/file-${i}.bin`)
    await tree.change(Object.fromEntries(names.map(name => [name, binary(10_000_000)])))
    const during = async (what: string, work: () => Promise<unknown>) => {
      resetPeaks(gate)
      const searches = watchSearches(gate.processes.companion)
      await work()
      const search = searches.stop()
      const peak = peaks(gate)
      const more = { worker: peak.worker - idle.worker, companion: peak.companion - idle.companion }
      results.push({
        work: `peak memory, ${what} of ${megabytes} MB`,
        against: 'idle',
        gate: `Worker ${mb(more.worker)}, companion ${mb(more.companion)} more`,
        peer: `Worker ${mb(idle.worker)}, companion ${mb(idle.companion)}`,
        reached: more.worker <= LIMIT_MB << 20 && more.companion <= LIMIT_MB << 20,
        note: `counted are workerd and the companion; its children are git and gitleaks, as a direct push has them${search ? `, and the search of a large push, a process of its own that held up to ${mb(search)}` : ''}; scan and forward limits of this gate are raised to 1800 s`,
      })
    }
    await during('push', () => mustGit(['push', '-q', url, 'HEAD:refs/heads/heavy'], { cwd: tree.dir }))
    await during('clone', async () => {
      const into = stage.fresh('heavy')
      await mustGit(['clone', '-q', '--bare', url, into])
      fs.rmSync(into, { recursive: true })
    })
    return results
  },
}

export interface Memory {
  readonly worker: number
  readonly companion: number
}

const each = (gate: Gate) => [...gate.processes.worker, gate.processes.companion]

function read(gate: Gate, field: 'VmRSS' | 'VmHWM'): Memory {
  const worker = gate.processes.worker.reduce((sum, pid) => sum + ofProcess(pid, field), 0)
  return { worker, companion: ofProcess(gate.processes.companion, field) }
}

const ofProcess = (pid: number, field: 'VmRSS' | 'VmHWM') =>
  Number(new RegExp(`${field}:\\s+(\\d+)`).exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024

export const resident = (gate: Gate) => read(gate, 'VmRSS')
export const peaks = (gate: Gate) => read(gate, 'VmHWM')

/** Samples the peak memory of the companion's search processes, in bytes; 0 if there was no process. */
function watchSearches(companion: number): { stop(): number } {
  let most = 0
  const look = () => {
    for (const { pid, name } of descendantsOf(companion)) {
      if (!name.startsWith('node') && !name.startsWith('MainThread')) continue
      try {
        most = Math.max(most, ofProcess(pid, 'VmHWM'))
      } catch {
        // ENOENT: the process has ended.
      }
    }
  }
  const timer = setInterval(look, 250)
  return {
    stop() {
      clearInterval(timer)
      return most
    },
  }
}

/** Resets VmHWM, the kernel's peak of resident memory (proc_pid_clear_refs(5)). */
export function resetPeaks(gate: Gate): void {
  for (const pid of each(gate)) fs.writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

export const mb = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MB`
