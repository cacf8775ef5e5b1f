import type { ChildProcess } from 'node:child_process'
import { isNullId, isReviewRef } from '../../src/contract/names.ts'
import { type Command, isDelete } from '../git/command-list.ts'
import { PktLines } from '../git/pkt-line.ts'
import { withAbort } from '../process/with-abort.ts'
import type { OpenReceivePack, ReceivePack } from './receive-pack.ts'

/**
 * Limit for holding a connection open before the push is sent, in milliseconds: some hosts close an SSH
 * session that is idle for long.
 */
export const HELD_MS = 10_000

/** A session of upstream's git-receive-pack, whose list of refs has been read. */
export interface ListedReceivePack extends ReceivePack {
  readonly capabilities: ReadonlySet<string>
}

/** A session with upstream for the commands of a push. */
export interface UpstreamSession {
  /**
   * Takes the session once upstream has listed its refs. Undefined: upstream's refs or capabilities ask for more than
   * a plain push, or there is no session. Nothing has been sent then.
   */
  acquire(signal: AbortSignal): Promise<ListedReceivePack | undefined>
  /** True once it is open, unless it has ended. */
  isUsable(): Promise<boolean>
  /** Ends the session, unless it was taken. */
  abort(): void
}

/**
 * Reads upstream's refs in the session that `open` returns, while the client still sends its pack. The session is held
 * for `heldMs` milliseconds if no push takes it: a client that sends slowly, or stands still, keeps none.
 */
export function openUpstreamSession(
  open: () => Promise<OpenReceivePack>,
  commands: readonly Command[],
  pushOptions: readonly string[],
  heldMs = HELD_MS,
): UpstreamSession {
  const needed = neededFor(commands, pushOptions)
  const ended = new AbortController()
  let opened: OpenReceivePack | undefined
  const list = async (): Promise<ListedReceivePack | undefined> => {
    if (commands.some(({ ref }) => isReviewRef(ref))) return undefined
    opened = await open()
    opened.hold(heldMs)
    if (ended.signal.aborted) opened.drop()
    const session = await opened.running()
    // Upstream may list no refs, and a session that is dropped meanwhile never ends its list.
    const over = opened.over.then(() => undefined)
    const capabilities = session && (await Promise.race([readAdvertisement(session.child, commands), over]))
    if (session && capabilities && needed.every(capability => capabilities.has(capability)))
      return { ...session, capabilities }
    opened.drop()
    return undefined
  }
  const listed = list().catch(() => undefined)
  const usable = async () => {
    const session = await listed
    return session && (await opened?.running()) && session
  }
  return {
    async acquire(signal) {
      const session = await withAbort(usable(), signal).catch(() => undefined)
      if (!session || signal.aborted) return undefined
      opened?.take()
      return session
    },
    isUsable: async () => (await usable()) !== undefined,
    abort() {
      ended.abort()
      opened?.drop()
    },
  }
}

/**
 * The capabilities that `sendPush` needs. If upstream lacks one, `git push` forwards instead. The client's pack may have
 * `ofs-delta`, which the gate offers.
 */
const neededFor = (commands: readonly Command[], pushOptions: readonly string[]): string[] => [
  'report-status',
  'side-band-64k',
  'ofs-delta',
  ...(commands.length > 1 ? ['atomic'] : []),
  ...(commands.some(isDelete) ? ['delete-refs'] : []),
  ...(pushOptions.length > 0 ? ['push-options'] : []),
]

/** The length of a SHA-1 id. */
const ID_LENGTH = 40
const STARTS_WITH_ID = /^[0-9a-f]{40} /

/**
 * Reads upstream's list of refs (gitprotocol-pack(5), "Reference Discovery"). Returns upstream's capabilities if each
 * pushed ref has the old value of its command, and the list is an ordinary one.
 */
function readAdvertisement(
  { stdout }: ChildProcess,
  commands: readonly Command[],
): Promise<ReadonlySet<string> | undefined> {
  const missing = new Map(commands.map(({ ref, old }) => [ref as string, old as string]))
  const lengths = new Set(commands.map(({ ref }) => ref.length))
  const packets = new PktLines()
  let capabilities: ReadonlySet<string> | undefined
  let isOrdinary = true
  /** Finds that git has to make the push, if it has to. */
  const accept = (line: string) => {
    // Most of a long list are other refs.
    if (capabilities && STARTS_WITH_ID.test(line) && !lengths.has(line.length - ID_LENGTH - 1)) return
    const [listed = '', listedCapabilities] = line.split('\0')
    if (listedCapabilities !== undefined) capabilities = new Set(listedCapabilities.split(' '))
    const [id = '', ref = ''] = listed.split(' ')
    const old = missing.get(ref)
    if (!/^[0-9a-f]{40}$/.test(id) || !capabilities || (old !== undefined && old !== id)) isOrdinary = false
    missing.delete(ref)
  }
  return new Promise(resolve => {
    const end = (found?: ReadonlySet<string>) => {
      stdout?.off('data', read).pause()
      resolve(found)
    }
    const read = (chunk: Buffer) => {
      try {
        packets.push(chunk)
        const isComplete = packets.takeLines(accept)
        if (!isOrdinary) return end()
        if (!isComplete) return
        const areAbsent = [...missing.values()].every(isNullId)
        return end(areAbsent && packets.held === 0 ? capabilities : undefined)
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
