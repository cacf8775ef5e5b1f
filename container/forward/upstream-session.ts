import type { ChildProcess } from 'node:child_process'
import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import { isNullId, isReviewRef } from '../../src/contract/names.ts'
import { type Command, isDelete } from '../git/command-list.ts'
import { FLUSH, PktLines } from '../git/pkt-line.ts'
import { killWithStreams } from '../process/spawn.ts'
import { withAbort } from '../process/with-abort.ts'
import type { Link } from '../upstream/link.ts'

/**
 * Limit for holding a connection open before the push is sent, in milliseconds: some hosts close an SSH
 * session that is idle for long.
 */
export const HELD_MS = 10_000

/** A session of upstream's git-receive-pack, whose list of refs has been read. */
export interface ReceivePack {
  readonly child: ChildProcess
  readonly capabilities: ReadonlySet<string>
  /** The stderr of ssh so far. */
  stderr(): string
  release(options?: { broken?: boolean }): void
}

/** A session with upstream that is being opened for a push. */
export interface UpstreamSession {
  /**
   * Takes the session once upstream has listed its refs. Undefined: upstream's refs or capabilities ask for more than
   * a plain push, or there is no session. Nothing has been sent then.
   */
  acquire(signal: AbortSignal): Promise<ReceivePack | undefined>
  /** True once it is open, unless it has ended. */
  isUsable(): Promise<boolean>
  /** Ends the session, unless it was taken. */
  abort(): void
}

/**
 * Opens git-receive-pack at upstream for these commands, while the client still sends its pack, and ends it after
 * `heldMs` milliseconds if no push takes it. Only over SSH: over HTTPS git makes the requests of a push itself.
 */
export function openUpstreamSession(
  linkTo: () => Promise<Link>,
  upstream: Upstream,
  commands: readonly Command[],
  pushOptions: readonly string[],
  heldMs = HELD_MS,
): UpstreamSession {
  const needed = neededFor(commands, pushOptions)
  const dropped = new AbortController()
  let isTaken = false
  const open = async (): Promise<ReceivePack | undefined> => {
    if (commands.some(({ ref }) => isReviewRef(ref))) return undefined
    const { startReceivePack, release } = await (await linkTo()).acquire(dropped.signal)
    if (!startReceivePack || dropped.signal.aborted) return void release()
    const stop = new AbortController()
    const child = startReceivePack(upstream, stop.signal)
    child.once('close', () => {
      if (!isTaken) release({ broken: stop.signal.aborted })
    })
    const stderr = keepStderr(child)
    const endSession = () => endUnused(child, stop)
    dropped.signal.addEventListener('abort', endSession, { once: true })
    const listed = await readAdvertisement(child, commands)
    if (listed && needed.every(capability => listed.has(capability)))
      return { child, capabilities: listed, stderr, release }
    if (!dropped.signal.aborted) endSession()
    return undefined
  }
  const opened = open().catch(() => undefined)
  const usable = async () => {
    const session = await opened
    if (!session || dropped.signal.aborted) return undefined
    const { exitCode, signalCode } = session.child
    return exitCode === null && signalCode === null ? session : undefined
  }
  const abort = () => {
    clearTimeout(late)
    if (!isTaken) dropped.abort(new Error('the push was not sent'))
  }
  // A client that sends slowly, or stands still, keeps no session at upstream.
  const late = setTimeout(abort, heldMs)
  return {
    async acquire(signal) {
      const session = await withAbort(usable(), signal).catch(() => undefined)
      isTaken = session !== undefined && !signal.aborted
      return isTaken ? session : undefined
    },
    isUsable: async () => (await usable()) !== undefined,
    abort,
  }
}

/** Ends a session without commands: upstream's git exits then, as after `git push` with nothing to do. */
function endUnused(child: ChildProcess, stop: AbortController): void {
  child.stdin?.end(FLUSH)
  child.stdout?.resume()
  const late = setTimeout(() => {
    stop.abort(new Error('the push was not sent'))
    killWithStreams(child)
  }, DROP_MS)
  child.once('close', () => clearTimeout(late))
}

function keepStderr({ stdin, stderr }: ChildProcess): () => string {
  let text = ''
  stderr?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString('utf8')).slice(-MAX_SAID)
  })
  stdin?.on('error', () => {})
  return () => text
}

/** Time for upstream to end a session without commands, in milliseconds. Then ssh is killed. */
const DROP_MS = 2_000

/** Limit of ssh's stderr that is kept, in characters. */
const MAX_SAID = 4_096

/**
 * The capabilities without which git makes the push, or refuses it in its own words. The client's pack may have
 * `ofs-delta`, which the gate offers.
 */
const neededFor = (commands: readonly Command[], pushOptions: readonly string[]): string[] => [
  ...['report-status', 'side-band-64k', 'ofs-delta'],
  ...(commands.length > 1 ? ['atomic'] : []),
  ...(commands.some(isDelete) ? ['delete-refs'] : []),
  ...(pushOptions.length > 0 ? ['push-options'] : []),
]

const LINE_FEED = 10
const SPACE = 32
/** The length of a SHA-1 id. */
const ID_LENGTH = 40
const HEX_DIGITS = new Set(Buffer.from('0123456789abcdef'))

/**
 * Reads upstream's list of refs (gitprotocol-pack(5), "Reference Discovery"). Returns upstream's capabilities if each
 * pushed ref has the old value of its command, and the list is an ordinary one.
 */
function readAdvertisement(
  { stdout }: ChildProcess,
  commands: readonly Command[],
): Promise<ReadonlySet<string> | undefined> {
  const missing = new Map(commands.map(({ ref, old }) => [ref as string, old as string]))
  const lengths = new Set(commands.map(({ ref }) => Buffer.byteLength(ref)))
  const packets = new PktLines()
  let capabilities: ReadonlySet<string> | undefined
  /** Returns false if git has to make the push. */
  const accept = (packet: Buffer): boolean => {
    // Most of a long list are other refs, which are not made into strings.
    const length = packet.length - (packet.at(-1) === LINE_FEED ? 1 : 0)
    if (packet[ID_LENGTH] !== SPACE || !HEX_DIGITS.has(packet[0] ?? 0)) return false
    if (capabilities && !lengths.has(length - ID_LENGTH - 1)) return true
    const [listed = '', listedCapabilities] = packet.toString('utf8', 0, length).split('\0')
    if (listedCapabilities !== undefined) capabilities = new Set(listedCapabilities.split(' '))
    const [id = '', ref = ''] = listed.split(' ')
    if (!/^[0-9a-f]{40}$/.test(id) || !capabilities) return false
    const old = missing.get(ref)
    if (old !== undefined && old !== id) return false
    missing.delete(ref)
    return true
  }
  return new Promise(resolve => {
    const end = (found?: ReadonlySet<string>) => {
      stdout?.off('data', read).pause()
      resolve(found)
    }
    const read = (chunk: Buffer) => {
      try {
        packets.push(chunk)
        for (let packet = packets.next(); packet !== undefined; packet = packets.next()) {
          if (packet !== 'flush') {
            if (!accept(packet)) return end()
            continue
          }
          const areAbsent = [...missing.values()].every(isNullId)
          return end(areAbsent && packets.held === 0 ? capabilities : undefined)
        }
      } catch {
        end()
      }
    }
    stdout
      ?.on('data', read)
      .once('end', () => end())
      .once('error', () => end())
  })
}
