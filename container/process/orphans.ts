import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { startTimeOf } from './spawn.ts'

/**
 * The variable by which every process that a companion starts can be told, also after that companion was killed:
 * its process id, when that began, and its state folder.
 */
export const OWNER = 'GATE_COMPANION'

/** Marks what this process starts from now on as the companion's on that state folder. */
export function markChildProcesses(home: string): void {
  process.env[OWNER] = `${process.pid} ${startTimeOf(process.pid)} ${home}`
}

/** A process group that its companion did not live to end. */
export interface Orphan {
  readonly group: number
  /** The program's name, of the process by which it was found. */
  readonly name: string
}

/**
 * Ends the processes of a dead companion on this state folder, except those to be spared, and waits for their end.
 * Where there is no /proc nothing is found; a container takes its processes with it.
 */
export async function endOrphans(keep: (orphan: Orphan) => boolean): Promise<void> {
  for (;;) {
    const orphans = listOrphans().filter(orphan => !keep(orphan))
    if (orphans.length === 0) return
    for (const { group } of orphans) {
      try {
        process.kill(-group, 'SIGKILL')
      } catch {
        // ESRCH: it has ended
      }
    }
    await delay(20)
  }
}

/** Does this process, and not another that was given its id, still run? */
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

/** The quarantines that git's processes of this group work in (git-receive-pack(1), "Quarantine Environment"). */
export function quarantineDirsOf(group: number): string[] {
  const found = listPids().flatMap(pid => {
    const [, of] = /^\d+ \(.*\) \S \d+ (\d+)/s.exec(read(`/proc/${pid}/stat`)) ?? []
    return Number(of) === group ? (environmentOf(pid, 'GIT_QUARANTINE_PATH') ?? []) : []
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

/** A variable as it was when the program started (proc_pid_environ(5)). */
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
