import { readFileSync } from 'node:fs'

export interface Memory {
  readonly total: number
  /** Bytes that processes can still allocate, including the page cache. */
  readonly available: number
}

/** Admits a session when enough memory is free for one more git process at its limit. */
export interface MemoryBudget {
  /** True if a session would be admitted now. */
  hasRoom(): boolean
  /**
   * Waits in a queue for free memory. Resolves with the function that ends the session. Rejects with the
   * signal's reason, or with MemoryExhausted after MAX_WAIT_MS.
   */
  enter(signal: AbortSignal, onWait?: () => void): Promise<() => void>
}

/** Running sessions use all memory. The client reads the message. */
export class MemoryExhausted extends Error {}

/**
 * For this time in milliseconds after its start, a session counts with YOUNG_BYTES: its processes have not
 * yet allocated their memory.
 */
const YOUNG_MS = 5_000
const YOUNG_BYTES = 64 << 20

const POLL_MS = 250
const MAX_WAIT_MS = 60_000

/**
 * Each child process has its own memory limit (memory-limit.ts); this keeps many children together from using
 * all memory. Most children use little, so nothing is reserved for them beyond YOUNG_MS. One session is
 * always admitted.
 */
export function createMemoryBudget(childBytes: number, read: () => Memory = readMemory): MemoryBudget {
  const entries = new Set<{ at: number }>()
  const waiting: (() => void)[] = []
  let timer: NodeJS.Timeout | undefined

  const hasRoom = () => {
    if (entries.size === 0) return true
    const { total, available } = read()
    const starting = [...entries].filter(({ at }) => performance.now() - at < YOUNG_MS).length
    return available - starting * YOUNG_BYTES >= Math.min(childBytes, total / 4)
  }
  const admitNext = () => {
    while (waiting.length > 0 && hasRoom()) waiting.shift()?.()
    if (waiting.length === 0) {
      clearInterval(timer)
      timer = undefined
    } else timer ??= setInterval(admitNext, POLL_MS)
  }
  const begin = () => {
    const entry = { at: performance.now() }
    entries.add(entry)
    return () => {
      if (entries.delete(entry)) admitNext()
    }
  }
  return {
    hasRoom: () => waiting.length === 0 && hasRoom(),
    async enter(signal, onWait) {
      signal.throwIfAborted()
      if (waiting.length === 0 && hasRoom()) return begin()
      onWait?.()
      const late = AbortSignal.timeout(MAX_WAIT_MS)
      const ended = AbortSignal.any([signal, late])
      return new Promise((resolve, reject) => {
        const go = () => {
          ended.removeEventListener('abort', stop)
          resolve(begin())
        }
        const stop = () => {
          waiting.splice(waiting.indexOf(go), 1)
          admitNext()
          reject(
            signal.aborted
              ? signal.reason
              : new MemoryExhausted('the gate is short of memory; try again in a minute'),
          )
        }
        ended.addEventListener('abort', stop, { once: true })
        waiting.push(go)
        admitNext()
      })
    },
  }
}

/**
 * Reads the container's memory (cgroups(7)), or the machine's where that is smaller. Without /proc the memory
 * is unlimited.
 */
export function readMemory(): Memory {
  const info = numbers('/proc/meminfo', /^(\w+): +(\d+) kB$/gm, 1024)
  const machine = {
    total: info.get('MemTotal') ?? Number.POSITIVE_INFINITY,
    available: info.get('MemAvailable') ?? Number.POSITIVE_INFINITY,
  }
  const group =
    groupMemory('/sys/fs/cgroup', 'memory.max', 'memory.current', '') ??
    groupMemory('/sys/fs/cgroup/memory', 'memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_')
  if (!group || group.total >= machine.total) return machine
  return { total: group.total, available: Math.min(machine.available, group.available) }
}

function groupMemory(folder: string, most: string, now: string, prefix: string): Memory | undefined {
  const total = Number.parseInt(text(`${folder}/${most}`), 10)
  const used = Number.parseInt(text(`${folder}/${now}`), 10)
  if (Number.isNaN(total) || Number.isNaN(used)) return undefined
  const stat = numbers(`${folder}/memory.stat`, /^(\w+) (\d+)$/gm)
  const files = (stat.get(`${prefix}inactive_file`) ?? 0) + (stat.get(`${prefix}active_file`) ?? 0)
  return { total, available: total - used + files }
}

const numbers = (file: string, line: RegExp, unit = 1) =>
  new Map([...text(file).matchAll(line)].map(([, name = '', number]) => [name, Number(number) * unit]))

function text(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
