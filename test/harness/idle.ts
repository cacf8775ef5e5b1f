import fs from 'node:fs'
import path from 'node:path'
import { descendantsOf, listProcesses } from '../../local/process/processes.ts'
import { until } from './until.ts'

/** The processes and files that ended sessions have left in a companion. */
interface Remains {
  readonly processes: readonly string[]
  readonly files: readonly string[]
}

/** Waits at most `within` milliseconds until no process or temporary file of a session is left. */
export async function untilIdle(companion: { pid: number; home: string }, within: number): Promise<void> {
  let seen: Remains = { processes: [], files: [] }
  await until(
    () => {
      seen = { processes: processesOf(companion), files: temporaryFiles(companion.home) }
      return seen.processes.length + seen.files.length === 0 ? true : undefined
    },
    within,
    () => `the companion is not idle: ${[...seen.processes, ...seen.files].join('; ')}`,
  )
}

/**
 * Lists a companion's descendants and the processes in its folder, without ssh's shared masters and the session of each
 * upstream that waits for the next request.
 */
function processesOf({ pid, home }: { pid: number; home: string }): string[] {
  const listed = listProcesses()
  const strays = listed.filter(p => p.pid !== pid && p.state !== 'Z' && worksIn(home, p.pid))
  const all = new Map([...descendantsOf(pid, listed), ...strays].map(p => [p.pid, p]))
  const waiting = new Set<string>()
  return [...all.values()].flatMap(p => {
    const command = commandOf(p.pid)
    const mayWait = /^ssh\0.*\0git-upload-pack '[^']*'\0$/s.test(command) && !waiting.has(command)
    if (mayWait) waiting.add(command)
    return mayWait || /^ssh\0(.*\0)?-M\0/s.test(command)
      ? []
      : [`${p.pid} ${command.replaceAll('\0', ' ').trim() || p.name}`]
  })
}

function worksIn(home: string, pid: number): boolean {
  try {
    return `${fs.readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${home}/`)
  } catch {
    return false
  }
}

function commandOf(pid: number): string {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** Lists git's unfinished files (packs, quarantines, locks), unfinished LFS objects and the scratch folders. */
function temporaryFiles(home: string): string[] {
  const unfinished = list(path.join(home, 'mirrors'), true).filter(file =>
    /(^|\/)(tmp_|\.tmp-|incoming-)[^/]*|\.lock$/.test(file),
  )
  const arriving = list(path.join(home, 'lfs'), true).filter(file => /\/incoming\/./.test(file))
  return [...unfinished, ...arriving, ...list(path.join(home, 'scratch'), false)]
}

function list(folder: string, recursive: boolean): string[] {
  while (fs.existsSync(folder)) {
    try {
      return fs.readdirSync(folder, { recursive, encoding: 'utf8' })
    } catch {
      // ENOENT: a subfolder was removed meanwhile
    }
  }
  return []
}
