import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { startTimeOf } from './spawn.ts'

/**
 * The environment variable that marks every process that a companion starts, so the next companion finds the
 * processes of a killed companion. Its value: process id, start time and state folder.
 */
export const OWNER = 'GATE_COMPANION'

/** Marks every process that this process starts from now on with the state folder `home`. */
export function markChildProcesses(home: string): void {
  process.env[OWNER] = `${process.pid} ${startTimeOf(process.pid)} ${home}`
}

/** A process group that outlived its companion. */
export interface Orphan {
  readonly group: number
  /** The name of the program that was found in the group. */
  readonly name: string
}

/**
 * Kills the processes of a dead companion on this state folder, except those that `keep` accepts, and waits
 * for their exit. Without /proc it finds none; a container's end kills its processes.
 */
export async function endOrphans(keep: (orphan: Orphan) => boolean): Promise<void> {
  for (;;) {
    const orphans = listOrphans().filter(orphan => !keep(orphan))
    if (orphans.length === 0) return
    for (const { group } of orphans) {
      try {
        process.kill(-group, 'SIGKILL')
      } catch {
        // ESRCH: the group has exited.
      }
    }
    await delay(20)
  }
}

/** True while the process runs. The start time distinguishes it from a later process with the same id. */
export const isAlive = ({ pid, startedAt }: { pid: number; startedAt: string }): boolean =>
  startedAt !== '' && startTimeOf(pid) === startedAt && stateOf(pid) !== 'Z'

function listOrphans(): Orphan[] {
  const own = readMark(process.env[OWNER] ?? '')
  return listPids().flatMap(pid => {
    const owner = readMark(environmentOf(pid, OWNER) ?? '')
    if (!owner || owner.home !== own?.home || isAlive(owner)) return []
    const [, name = '', rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(read(`/proc/${pid}/stat`)) ?? []
    const [state, , group] = rest.split(' ')
    return state && state !== 'Z' ? [{ group: Number(group), name }] : []
  })
}

function readMark(mark: string): { pid: number; startedAt: string; home: string } | undefined {
  const [, pid, startedAt, home] = /^(\d+) (\d*) (.+)$/s.exec(mark) ?? []
  return pid && startedAt !== undefined && home ? { pid: Number(pid), startedAt, home } : undefined
}

/**
 * Returns the quarantine folders of the git processes in this group (git-receive-pack(1), "Quarantine
 * Environment").
 */
export function quarantineDirsOf(group: number): string[] {
  const found = listPids().flatMap(pid => {
    const [, processGroup] = /^\d+ \(.*\) \S \d+ (\d+)/s.exec(read(`/proc/${pid}/stat`)) ?? []
    return Number(processGroup) === group ? (environmentOf(pid, 'GIT_QUARANTINE_PATH') ?? []) : []
  })
  return [...new Set(found)]
}

function listPids(): number[] {
  try {
    return readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return []
  }
}

/** Reads an environment variable of a process, as set when its program started (proc_pid_environ(5)). */
function environmentOf(pid: number, name: string): string | undefined {
  const line = read(`/proc/${pid}/environ`)
    .split('\0')
    .find(each => each.startsWith(`${name}=`))
  return line?.slice(name.length + 1)
}

const stateOf = (pid: number) => /^\d+ \(.*\) (.)/s.exec(read(`/proc/${pid}/stat`))?.[1]

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
