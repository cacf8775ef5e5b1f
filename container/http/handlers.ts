import { mkdir } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { type ConfigCheck, LostRefs, type PushReport } from '../../src/contract/outcome.ts'
import type { PassFor } from '../../src/contract/pass.ts'
import { checkGitleaksConfig } from '../checks/index.ts'
import { readBody } from '../client/request-body.ts'
import { bodyText, json, text } from '../client/respond.ts'
import type { Companion } from '../companion.ts'
import { queryOrUnknown } from '../journal/recover.ts'
import { emptyReport } from '../push/push-record.ts'
import { createKey, IdentityError } from '../upstream/ssh-keys.ts'

/** The word of a push once it has ended; what there is of it when the wait runs out. */
export async function getPushReport(
  { sessions, journal }: Companion,
  { push, wait }: Pick<PassFor<'push-report'>, 'push' | 'wait'>,
): Promise<PushReport | undefined> {
  const entry = await journal.read(push)
  if (entry && entry.report.outcome !== 'open') return entry.report
  await sessions.ended(push, wait * 1000)
  const isHere = [...sessions.all].some(({ id }) => id === push)
  // Before its command list is there it is in no journal, and not lost.
  return (await journal.read(push))?.report ?? (isHere ? emptyReport(push) : undefined)
}

/** The word of a push, or else what its upstream has of it; 503 when that cannot be learnt now. */
export async function settlePush(
  companion: Companion,
  pass: PassFor<'settle-push'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const known = await getPushReport(companion, { push: pass.push, wait: 0 })
  if (known) return json(response, 200, { known })
  const refs = LostRefs.parse(JSON.parse((await bodyText(request, 8 << 20)) ?? ''))
  const has = await queryOrUnknown(pass.repository, refs, companion)
  if (has === 'no answer') return text(response, 503, 'the upstream does not answer')
  json(response, 200, { upstreamHas: has })
}

/** A configuration is tried with gitleaks, and nothing of it is kept. */
export async function checkConfig(
  { settings }: Companion,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const text = await bodyText(request, 64_000)
  if (text === undefined) return json(response, 413, { error: 'that is too long for a configuration' })
  const scratch = join(settings.home, 'scratch')
  await mkdir(scratch, { recursive: true, mode: 0o700 })
  const problem = await checkGitleaksConfig(text, settings.gitleaks, scratch)
  json(response, 200, { problem: problem ?? null } satisfies ConfigCheck)
}

/** An identity is made, or taken from the body; its public half is the answer. */
export async function createIdentity(
  companion: Companion,
  pass: PassFor<'identity'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const key = await bodyText(request, 64_000)
  if (key === undefined) return json(response, 413, { error: 'that is too long for a private key' })
  try {
    json(response, 200, { publicKey: await createKey(companion.identities, pass.identity, key) })
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error
    json(response, 409, { error: error.message })
  }
}

/** The body is a bundle to begin with. What is not wanted of it is read away: an answer before its end is not seen. */
export async function receiveSeed(
  { mirrorSeed, settings }: Companion,
  { repository, isKept }: PassFor<'mirror-seed'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  await mirrorSeed.provide(repository, isKept ? request : undefined)
  await readBody(request, { idleMs: settings.clientIdleMs, bytesPerSecond: settings.minReceiveRate }).drain()
  response.writeHead(204).end()
}
