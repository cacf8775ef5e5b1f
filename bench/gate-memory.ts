import fs from 'node:fs'
import type { Gate } from './bench-fixture.ts'
import type { Result } from './row.ts'

/** The Worker and the companion may each take this much more than an idle gate, in MiB. */
const LIMIT_MB = 48

/** Resident memory of a gate's two processes, in bytes. */
export interface Memory {
  readonly worker: number
  readonly companion: number
}

type Field = 'VmRSS' | 'VmHWM'

/** Reads a field of proc_pid_status(5), in bytes. */
export const memoryOf = (pid: number, field: Field) =>
  Number(new RegExp(`${field}:\\s+(\\d+)`).exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024

function read({ processes }: Gate, field: Field): Memory {
  const worker = processes.worker.reduce((sum, pid) => sum + memoryOf(pid, field), 0)
  return { worker, companion: memoryOf(processes.companion, field) }
}

export const residentMemory = (gate: Gate) => read(gate, 'VmRSS')

/** Resets VmHWM, the kernel's peak of resident memory (proc_pid_clear_refs(5)). */
export function resetPeaks({ processes }: Gate): void {
  for (const pid of [...processes.worker, processes.companion])
    fs.writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** Returns the result of a row: the peaks since `resetPeaks` above the idle memory. */
export function peakResult(gate: Gate, idle: Memory, work: string, note: string): Result {
  const peak = read(gate, 'VmHWM')
  const more = { worker: peak.worker - idle.worker, companion: peak.companion - idle.companion }
  return {
    work: `peak memory, ${work}`,
    against: 'idle',
    gate: `Worker ${mb(more.worker)}, companion ${mb(more.companion)} more`,
    peer: `Worker ${mb(idle.worker)}, companion ${mb(idle.companion)}`,
    reached: more.worker <= LIMIT_MB << 20 && more.companion <= LIMIT_MB << 20,
    note,
  }
}

export const mb = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MB`
