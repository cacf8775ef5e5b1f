import { rm } from 'node:fs/promises'
import { killGroup, spawnGroup } from '../../process/spawn.ts'
import { withAbort } from '../../process/with-abort.ts'

/** By default sshd allows ten sessions on a connection (MaxSessions in sshd_config(5)). */
const SESSIONS_PER_CONNECTION = 8

/** The sessions of a connection that has no room to spare. */
const BUSY_SESSIONS = 4

/**
 * By default sshd drops some unauthenticated connections when more than ten are open (MaxStartups in
 * sshd_config(5)).
 */
const MAX_OPENING = 4

/**
 * The timeout for a connection to open, in milliseconds. ssh's own ConnectTimeout ends before the authentication, which may
 * hang too.
 */
const OPEN_MS = 30_000

/** The idle timeout of a connection without sessions, in milliseconds. */
const CONNECTION_IDLE_MS = 10 * 60_000

/** The destination of a pool's connections. */
interface SshTarget {
  /** The path of ssh's configuration file. */
  readonly config: string
  /** The common prefix of the control sockets' paths. */
  readonly control: string
  readonly host: string
}

/** A connection could not be opened, or has ended. */
export class SshFailed extends Error {
  /** Undefined: ssh could not be started. */
  readonly stderr: string | undefined
  constructor(stderr?: string) {
    super('ssh has failed')
    this.stderr = stderr
  }
}

/** The lease of a connection for one process. */
export interface ConnectionLease {
  /** The path of its control socket (ssh(1), -S). */
  readonly control: string
  /**
   * Releases the lease. `broken` means that the process was killed: while its connection stays open, sshd does
   * not notice, so the connection takes no new sessions and closes with its last session.
   */
  release(options?: { broken?: boolean }): void
}

/** A pool of ssh connections to one host. */
export interface Connections {
  /** Opens a connection when none has room for another session. Rejects with SshFailed. */
  connect(signal: AbortSignal): Promise<void>
  /** Leases a session on an open connection. Rejects with SshFailed. */
  acquire(signal: AbortSignal): Promise<ConnectionLease>
  /** Leases a session on a connection with few. Undefined: there are connections, and all have many. */
  acquireSpare(signal: AbortSignal): Promise<ConnectionLease | undefined>
  close(): void
}

/**
 * An ssh master connection. It closes when the idle timeout passes, or after its last session when it is
 * draining.
 */
interface Connection {
  readonly control: string
  readonly ready: Promise<void>
  isOpening: boolean
  /** True: the connection takes no new sessions. */
  isDraining: boolean
  users: number
  idle: NodeJS.Timeout | undefined
  close(): void
}

/** Creates a pool that opens connections on demand: another connection when all open ones are full. */
export function createSshPool(target: SshTarget, openMs = OPEN_MS): Connections {
  const connections = new Set<Connection>()
  let opened = 0

  const open = () => {
    opened += 1
    const connection = openConnection(target, openMs, `${target.control}.${opened}`, () => {
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
  /**
   * Returns a connection with room, which may still be opening. Returns undefined when MAX_OPENING
   * connections are opening: the caller waits for the next one.
   */
  const pickConnection = (): Connection | undefined => {
    const usable = [...connections].filter(each => !each.isDraining && each.users < SESSIONS_PER_CONNECTION)
    const available = usable.find(each => !each.isOpening) ?? usable[0]
    if (available) return available
    const opening = [...connections].filter(each => each.isOpening)
    return opening.length < MAX_OPENING ? open() : undefined
  }
  const nextOpened = () =>
    Promise.race([...connections].filter(each => each.isOpening).map(each => each.ready))

  const lease = async (taken: Connection, signal: AbortSignal): Promise<ConnectionLease> => {
    let isHeld = true
    const release: ConnectionLease['release'] = ({ broken = false } = {}) => {
      if (!isHeld) return
      isHeld = false
      taken.users -= 1
      taken.isDraining ||= broken
      scheduleIdleClose(taken)
    }
    taken.users += 1
    clearTimeout(taken.idle)
    await withAbort(taken.ready, signal).catch(error => {
      release()
      throw error
    })
    return { control: taken.control, release }
  }

  return {
    async connect(signal) {
      signal.throwIfAborted()
      await withAbort(pickConnection()?.ready ?? nextOpened(), signal)
    },
    async acquire(signal) {
      signal.throwIfAborted()
      let through = pickConnection()
      for (; !through; through = pickConnection()) await withAbort(nextOpened(), signal)
      return lease(through, signal)
    },
    async acquireSpare(signal) {
      const [connection] = [...connections].filter(each => !each.isDraining && each.users < BUSY_SESSIONS)
      const spare = connection ?? (connections.size === 0 ? open() : undefined)
      return spare && lease(spare, signal)
    },
    close() {
      for (const connection of connections) end(connection)
    },
  }
}

/**
 * The options of a master connection. ssh runs LocalCommand once the connection is up and the control socket listens, so
 * its line means ready.
 */
const MASTER = ['-M', '-N', '-o', 'PermitLocalCommand=yes', '-o', 'LocalCommand=echo up']

function openConnection(
  { config, host }: SshTarget,
  openMs: number,
  control: string,
  atEnd: () => void,
): Connection {
  const child = spawnGroup('ssh', ['-F', config, '-S', control, ...MASTER, host], {
    signal: new AbortController().signal,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  })
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString('utf8')).slice(-4096)
  })
  const ready = new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => {
      connection.isOpening = false
      connection.isDraining = true
      reject(new SshFailed('Connection timed out'))
      close()
    }, openMs)
    child.stdout?.once('data', () => {
      clearTimeout(late)
      connection.isOpening = false
      resolve()
    })
    child.once('error', () => reject(new SshFailed()))
    child.once('close', () => {
      clearTimeout(late)
      connection.isOpening = false
      atEnd()
      reject(new SshFailed(stderr))
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
