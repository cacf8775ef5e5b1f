import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Pass, PassFor } from '../../src/contract/companion-api/pass.ts'
import { json, text } from '../client/respond.ts'
import type { Companion } from '../companion.ts'
import { serveFetch } from '../fetch/serve-fetch.ts'
import { serveLfs } from '../lfs/index.ts'
import { checkConnection } from '../mirror/check-connection.ts'
import { deleteSecret } from '../upstream/secret-files.ts'
import { checkConfig } from './check-config.ts'
import { servePush } from './framed-push.ts'
import { receiveHeld, sendHeld } from './held-archives.ts'
import { changeDeployKey, createIdentity, storeCredential } from './identities.ts'
import { deliverMail } from './mail.ts'
import { receiveSeed, sendBundle } from './mirror-seeds.ts'
import { getPushReport, recoverOutcome, sendPushDiff } from './push-reports.ts'
import { statusOf } from './status.ts'

/** Serves the request of a pass, and sends its response. */
type Serve<S extends Pass['service']> = (
  companion: Companion,
  pass: PassFor<S>,
  request: IncomingMessage,
  response: ServerResponse,
) => void | Promise<void>

const SERVICES: { readonly [S in Pass['service']]: Serve<S> } = {
  'git-receive-pack': servePush,
  'advertise-upload-pack': serveFetch,
  'advertise-receive-pack': serveFetch,
  'git-upload-pack': serveFetch,
  'lfs-batch': serveLfsRequest,
  'lfs-download': serveLfsRequest,
  'lfs-upload': serveLfsRequest,
  'lfs-verify': serveLfsRequest,
  'lfs-locks': serveLfsRequest,
  'host-call': async (companion, pass, request, response) => {
    // Loaded with the first call: each start of the companion would pay for GitHub's schema.
    const { serveHostCall } = await import('../host-calls/serve-host-call.ts')
    return serveHostCall(companion, pass, request, response)
  },
  'push-report': async (companion, pass, _, response) => {
    const report = await getPushReport(companion, pass)
    return report ? json(response, 200, report) : text(response, 404, 'no such push')
  },
  'permit-push': ({ permissions }, pass, _, response) =>
    permissions.settle(pass.push, pass.permission)
      ? void response.writeHead(204).end()
      : text(response, 409, 'this push does not wait for a permission'),
  'recover-outcome': recoverOutcome,
  'push-diff': (companion, pass, _, response) => sendPushDiff(companion, pass, response),
  'release-held-push': async ({ held }, pass, _, response) => {
    await held.stopWaiting(pass.push)
    response.writeHead(204).end()
  },
  'held-push': (companion, pass, _, response) => sendHeld(companion, pass, response),
  'restore-held-push': receiveHeld,
  'store-identity': createIdentity,
  'delete-identity': async ({ identities, links }, pass, _, response) => {
    const removed = await deleteSecret(identities, pass.identity)
    links.closeIdentity(pass.identity)
    json(response, 200, { removed })
  },
  'add-deploy-key': (companion, pass, _, response) => changeDeployKey(companion, pass, response),
  'remove-deploy-key': (companion, pass, _, response) => changeDeployKey(companion, pass, response),
  'store-credential': storeCredential,
  'delete-credential': async ({ credentials }, pass, _, response) =>
    json(response, 200, { removed: await credentials.forget(pass.credential) }),
  'send-mail': deliverMail,
  'check-config': (companion, _, request, response) => checkConfig(companion, request, response),
  'check-connection': async ({ mirrors, links, settings }, { repository }, _, response) => {
    const link = () => links.to(repository)
    const steps = await checkConnection(repository, mirrors.get(repository), link, settings)
    json(response, 200, { steps })
  },
  status: async (companion, pass, _, response) => json(response, 200, await statusOf(companion, pass)),
  bundle: (companion, pass, _, response) => sendBundle(companion, pass, response),
  'mirror-seed': receiveSeed,
}

function serveLfsRequest(
  { lfs }: Companion,
  pass: Parameters<typeof serveLfs>[1],
  request: IncomingMessage,
  response: ServerResponse,
) {
  return serveLfs(lfs, pass, request, response)
}

/** Serves the service that a pass names. All services but a push wait for the end of recovery. */
export async function serveService(
  companion: Companion,
  pass: Pass,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (pass.service !== 'git-receive-pack') await companion.recovered
  const serve = SERVICES[pass.service] as Serve<Pass['service']>
  await serve(companion, pass, request, response)
}
