import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import { disconnectSignal, sendWithTimeout } from '../client/response-end.ts'
import { spawnHttpBackend } from '../git/http-backend.ts'
import { gitProtocol } from '../git/protocol-version.ts'
import type { Mirror } from '../mirror/mirror.ts'
import { type SessionEnd, sessionEndOf } from '../sessions/session-counts.ts'
import type { Settings } from '../settings.ts'
import { capabilityCache } from './capabilities.ts'
import { pushAdvertisement } from './push-advertisement.ts'
import { sourceOf, streamResponse } from './upload-pack.ts'

/** Serves the ref advertisement of either service from an up-to-date mirror. */
export async function advertise(
  pass: PassFor<'advertise-upload-pack' | 'advertise-receive-pack'>,
  request: IncomingMessage,
  response: ServerResponse,
  mirror: Mirror,
  settings: Settings,
): Promise<SessionEnd> {
  const service = pass.service === 'advertise-upload-pack' ? 'git-upload-pack' : 'git-receive-pack'
  const protocol = gitProtocol(request.headers['git-protocol'])
  const body =
    service === 'git-receive-pack'
      ? await pushAdvertisement(mirror, protocol, disconnectSignal(response))
      : protocol === 'version=2' && (await capabilitiesOf(mirror))
  if (body) {
    response.writeHead(200, {
      'content-type': `application/x-${service}-advertisement`,
      'cache-control': 'no-cache, max-age=0, must-revalidate',
      // Caches of HTTP/1.0 know no cache-control. git http-backend sends it too.
      pragma: 'no-cache',
    })
    return sessionEndOf(await sendWithTimeout(response, Buffer.from(body), settings.readIdleMs))
  }
  const ended = new AbortController()
  const backend = spawnHttpBackend(
    mirror.git,
    {
      method: 'GET',
      path: 'info/refs',
      service,
      agent: pass.agent,
      protocol,
    },
    ended.signal,
  )
  backend.stdin.end()
  return streamResponse(sourceOf(backend), response, settings.readIdleMs)
}

/** Git's capability advertisement of protocol v2, which names no refs (gitprotocol-v2(5)). */
const capabilitiesOf = capabilityCache(git =>
  git.text(['upload-pack', '--http-backend-info-refs', '.'], {
    env: { GIT_PROTOCOL: 'version=2' },
    signal: AbortSignal.timeout(10_000),
  }),
)
