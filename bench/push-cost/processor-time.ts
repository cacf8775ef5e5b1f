import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { descendantsOf } from '../../local/process/processes.ts'
import type { Gate } from '../bench-fixture.ts'

/** Processor time of a gate so far, in seconds. */
export interface GateTime {
  readonly worker: number
  /** The companion itself. */
  readonly companion: number
  /** The processes that the companion has started, and theirs, as far as they have ended. */
  readonly children: number
}

const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** Reads proc_pid_stat(5): fields 14 to 17, the time of a process and of its ended children, in seconds. */
export function timesOf(pid: number): { own: number; children: number } {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [own, system, children, childrenSystem] = fields.slice(11, 15).map(ticks => Number(ticks) / TICKS)
  return { own: (own ?? 0) + (system ?? 0), children: (children ?? 0) + (childrenSystem ?? 0) }
}

export function gateTime({ processes }: Pick<Gate, 'processes'>): GateTime {
  const { own, children } = timesOf(processes.companion)
  return {
    worker: processes.worker.reduce((sum, pid) => sum + timesOf(pid).own, 0),
    companion: own,
    children,
  }
}

/** Processor time of all processes of a gate, in seconds. */
export const wholeGateTime = (gate: Pick<Gate, 'processes'>): number => {
  const { worker, companion, children } = gateTime(gate)
  return worker + companion + children
}

/** Processor time of these processes and of those below them, as far as these run or were waited for, in seconds. */
export function treeTime(roots: readonly number[]): number {
  const below = roots.flatMap(root => descendantsOf(root).map(({ pid }) => pid))
  return [...new Set([...roots, ...below])]
    .map(timesOf)
    .reduce((sum, { own, children }) => sum + own + children, 0)
}

export const between = (before: GateTime, after: GateTime): GateTime => ({
  worker: after.worker - before.worker,
  companion: after.companion - before.companion,
  children: after.children - before.children,
})
