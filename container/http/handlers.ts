import { mkdir } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import { CredentialSecret } from '../../src/contract/credential.ts'
import { Mail } from '../../src/contract/mail.ts'
import { type ConfigCheck, LostRefs, type PushReport } from '../../src/contract/outcome.ts'
import { checkGitleaksConfig } from '../checks/index.ts'
import { readBody } from '../client/request-body.ts'
import { bodyText, json, text } from '../client/respond.ts'
import type { Companion } from '../companion.ts'
import { addDeployKey, removeDeployKey } from '../forge/deploy-keys.ts'
import { queryOrUnknown } from '../journal/recover.ts'
import { describePush } from '../push/diff/describe-push.ts'
import { emptyReport } from '../push/push-recorder.ts'
import { createKey, IdentityError } from '../upstream/ssh/ssh-keys.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'

/**
 * Returns the report of a push when it ends, or its current report after `wait` seconds. Returns undefined
 * for a push that the companion does not know.
 */
export async function getPushReport(
  { sessions, journal }: Companion,
  { push, wait }: Pick<PassFor<'push-report'>, 'push' | 'wait'>,
): Promise<PushReport | undefined> {
  const entry = await journal.read(push)
  if (entry && entry.report.outcome !== 'open') return entry.report
  await sessions.ended(push, wait * 1000)
  const isHere = [...sessions.all].some(({ id }) => id === push)
  // A push whose command list has not been read is not in the journal yet.
  return (await journal.read(push))?.report ?? (isHere ? emptyReport(push) : undefined)
}

/**
 * Responds with the report of a push, or with the state of its refs at upstream. Responds with 503 if
 * upstream does not answer.
 */
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

/** Responds with the commits and the diff of a push, or with 503 if they cannot be read at the moment. */
export async function sendPushDiff(
  { mirrors, held }: Companion,
  pass: PassFor<'introduced'>,
  response: ServerResponse,
): Promise<void> {
  try {
    const push = await held.find(pass.push)
    json(response, 200, await describePush(mirrors.get(pass.repository), push, pass))
  } catch (error) {
    if (error instanceof UpstreamError) return text(response, 503, error.message)
    if (!(error instanceof Error) || error.name !== 'TimeoutError') throw error
    text(response, 503, 'the companion needs longer to read the push, or to fetch the repository; try again')
  }
}

/** Validates a gitleaks configuration by running gitleaks with it. The configuration is not stored. */
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

/** Creates an SSH key, or imports the private key in the body. Responds with the public key. */
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

/** Adds a deploy key at an upstream's host, or removes it. Responds with 409 and the host's reason. */
export async function changeDeployKey(
  { credentials }: Companion,
  pass: PassFor<'add-deploy-key'> | PassFor<'remove-deploy-key'>,
  response: ServerResponse,
): Promise<void> {
  try {
    if (pass.service === 'add-deploy-key')
      return json(response, 200, { key: await addDeployKey(pass.repository, pass, credentials) })
    await removeDeployKey(pass.repository, pass.key, credentials)
    json(response, 200, { removed: true })
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error
    json(response, 409, { error: error.message })
  }
}

/** Stores the secret of a credential, which is the body. */
export async function storeCredential(
  { credentials }: Companion,
  { credential }: PassFor<'credential'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const secret = CredentialSecret.safeParse(await bodyText(request, 64_000))
  if (!secret.success) return json(response, 400, { error: 'that is no token and no private key' })
  await credentials.store(credential, secret.data)
  json(response, 200, { stored: true })
}

/** Sends the e-mail in the body. Responds with the reason if the mail server does not have it. */
export async function deliverMail(
  { credentials }: Companion,
  { server, credential }: PassFor<'mail'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const mail = Mail.parse(JSON.parse((await bodyText(request, 200_000)) ?? ''))
  // Loaded with the first e-mail: most companions never send one.
  const { sendMail } = await import('../mail/send-mail.ts')
  try {
    const login = credential && { user: credential.user, password: await credentials.secretOf(credential) }
    json(response, 200, { problem: (await sendMail(server, login ?? undefined, mail)) ?? null })
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error
    json(response, 200, { problem: [error.problem, error.fix].filter(Boolean).join('; ') })
  }
}

/**
 * Receives the bundle that a new mirror starts from. An unused body is drained: the Worker reads the response
 * only after it has sent the body.
 */
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
