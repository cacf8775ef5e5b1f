import type { Upstream } from '../../../../src/contract/companion-api/pass.ts'
import type { LfsOperation } from '../../../../src/contract/lfs.ts'
import type { Link } from '../../link.ts'
import { hostOf } from '../../to-upstream-error.ts'
import { commandError } from '../command-error.ts'
import { NoLfs } from '../transport.ts'
import { LfsSession } from './lfs-session.ts'

/** The longest silence of a server, in milliseconds. */
const IDLE_MS = 60_000

/**
 * Opens a session. Rejects with NoLfs where upstream does not know the command, and with UpstreamError.
 */
export async function openLfsSession(
  link: Link,
  upstream: Upstream,
  operation: LfsOperation,
  signal: AbortSignal,
  idleMs = IDLE_MS,
): Promise<LfsSession> {
  const { startLfsTransfer, release } = await link.acquire(signal)
  if (!startLfsTransfer) {
    release()
    throw new NoLfs(`the upstream of ${upstream.name} is not reached over SSH`)
  }
  const child = startLfsTransfer(upstream, operation)
  const session = new LfsSession(child, operation, hostOf(upstream.url), release, idleMs)
  const keep = session.cutOn(signal)
  try {
    await session.start()
    return session
  } catch (error) {
    const { code, stderr } = session.exit
    session.cut()
    throw code ? commandError(upstream, code, stderr) : error
  } finally {
    keep()
  }
}
