import { rm } from 'node:fs/promises'
import { killGroup, spawnGroup } from '../process/spawn.ts'
import { withAbort } from '../process/with-abort.ts'

/** sshd takes ten sessions on a connection by default (MaxSessions in sshd_config(5)). */
const SESSIONS_PER_CONNECTION = 8

/** sshd drops some of those who are not in yet when they are more than ten (MaxStartups in sshd_config(5)). */
const OPENING_AT_ONCE = 4

/** An unused connection is closed after this long, in milliseconds. */
const CONNECTION_IDLE_MS = 10 * 60_000

/** Where the connections lead. */
interface SshTarget {
  /** The file of ssh's configuration. */
  readonly config: string
  /** The beginning of the paths of their control sockets. */
  readonly control: string
  readonly host: string
  /** The error for what ssh said of a connection that did not come about; it says nothing where it cannot be started. */
  readonly problem: (said?: string) => Error
}

/** A connection's use for one process. */
export interface ConnectionLease {
  /** The path of its control socket (ssh(1), -S). */
  readonly control: string
  /**
   * Given back. After `cut` the process did not come to its end: over a connection that lives on, the other side
   * would never learn that it is gone, so that connection takes nobody new and is closed with its last user.
   */
  release(how?: { cut?: boolean }): void
}

/** A few ssh connections to one host, and those who go through them. */
export interface Connections {
  /** Sees to it that one has room for one more. Rejects with the problem. */
  connect(signal: AbortSignal): Promise<void>
  /** A place in one that is open; to be given back. Rejects with the problem. */
  borrow(signal: AbortSignal): Promise<ConnectionLease>
  close(): void
}

/** One ssh connection that others go through; closed when it is at its end, or when nobody has used it for long. */
interface Connection {
  readonly control: string
  readonly ready: Promise<void>
  isOpening: boolean
  /** It takes nobody new. */
  isDraining: boolean
  users: number
  idle: NodeJS.Timeout | undefined
  close(): void
}

/** Connections that are opened as they are needed: a further one when those there are have no room. */
export function createSshPool(way: SshTarget): Connections {
  const connections = new Set<Connection>()
  let opened = 0

  const open = () => {
    opened += 1
    const connection = openConnection(way, `${way.control}.${opened}`, () => {
      clearTimeout(connection.idle)
      connections.delete(connection)
    })
    connections.add(connection)
    scheduleIdleClose(connection)
    return connection
  }
  const end = (connection: Connection) => {
    clearTimeout(connection.idle)
    connections.delete(connection)
    connection.close()
  }
  const scheduleIdleClose = (connection: Connection) => {
    clearTimeout(connection.idle)
    if (connection.users > 0 || !connections.has(connection)) return
    if (connection.isDraining) return end(connection)
    connection.idle = setTimeout(() => end(connection), CONNECTION_IDLE_MS)
    connection.idle.unref()
  }
  /** One with room, which may still be opening; undefined when so many are opening that one has to wait for them. */
  const pickConnection = (): Connection | undefined => {
    const usable = [...connections].filter(each => !each.isDraining && each.users < SESSIONS_PER_CONNECTION)
    const known = usable.find(each => !each.isOpening) ?? usable[0]
    if (known) return known
    const opening = [...connections].filter(each => each.isOpening)
    return opening.length < OPENING_AT_ONCE ? open() : undefined
  }
  const nextOpened = () =>
    Promise.race([...connections].filter(each => each.isOpening).map(each => each.ready))

  return {
    async connect(signal) {
      signal.throwIfAborted()
      await withAbort(pickConnection()?.ready ?? nextOpened(), signal)
    },
    async borrow(signal) {
      signal.throwIfAborted()
      let through = pickConnection()
      for (; !through; through = pickConnection()) await withAbort(nextOpened(), signal)
      const taken = through
      let held = true
      const release: ConnectionLease['release'] = ({ cut = false } = {}) => {
        if (!held) return
        held = false
        taken.users -= 1
        taken.isDraining ||= cut
        scheduleIdleClose(taken)
      }
      taken.users += 1
      clearTimeout(taken.idle)
      await withAbort(taken.ready, signal).catch(error => {
        release()
        throw error
      })
      return { control: taken.control, release }
    },
    close() {
      for (const connection of connections) end(connection)
    },
  }
}

function openConnection(
  { config, host, problem }: SshTarget,
  control: string,
  atEnd: () => void,
): Connection {
  // A LocalCommand runs once the connection is up and its control socket listens: its line is the sign to go on.
  const child = spawnGroup(
    'ssh',
    [
      '-F',
      config,
      '-S',
      control,
      '-M',
      '-N',
      '-o',
      'PermitLocalCommand=yes',
      '-o',
      'LocalCommand=echo up',
      host,
    ],
    {
      signal: new AbortController().signal,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH },
    },
  )
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-4096)
  })
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => {
      connection.isOpening = false
      resolve()
    })
    child.once('error', () => reject(problem()))
    child.once('close', () => {
      connection.isOpening = false
      atEnd()
      reject(problem(said))
    })
  })
  ready.catch(() => {})
  const close = () => {
    killGroup(child)
    rm(control, { force: true }).catch(() => {})
  }
  const connection: Connection = {
    control,
    ready,
    isOpening: true,
    isDraining: false,
    users: 0,
    idle: undefined,
    close,
  }
  return connection
}
