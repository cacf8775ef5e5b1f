import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { jwtVerify } from 'jose'
import { z } from 'zod'
import { type Certificates, type HttpsHost, serveHttps } from './https-host.ts'

const Asked = z.object({ repositories: z.array(z.string()), permissions: z.record(z.string(), z.string()) })

/**
 * A stand-in for GitHub's API, as its description has it: POST /app/installations/{id}/access_tokens ("Create an
 * installation access token for an app"). Its tokens are good at `host`.
 */
export interface GitHubApi extends AsyncDisposable {
  readonly url: string
  readonly appId: string
  /** In PKCS#1, as GitHub's are. */
  readonly privateKey: string
  readonly minted: (z.infer<typeof Asked> & { installation: string })[]
  /** The lifetime of the tokens from now on. */
  lifetimeMs: number
  /** The answer to each further request. */
  refuses: { status: number; message: string } | undefined
}

export async function startGitHubApi(certificates: Certificates, host: HttpsHost): Promise<GitHubApi> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const timers = new Set<NodeJS.Timeout>()
  const mint = async (authorization: string, installation: string, body: string) => {
    if (api.refuses) return api.refuses
    const { payload } = await jwtVerify(authorization.replace('Bearer ', ''), publicKey, {
      algorithms: ['RS256'],
      issuer: api.appId,
    })
    const { iat = 0, exp = Number.POSITIVE_INFINITY } = payload
    if (exp - Date.now() / 1000 > 600 || exp - iat > 660) return { status: 401, message: 'exp is too far' }
    api.minted.push({ ...Asked.parse(JSON.parse(body)), installation })
    // Of the length of GitHub's newer tokens, which have no fixed length.
    const token = `ghs_${randomBytes(200).toString('hex')}`
    host.tokens.set(token, 'write')
    timers.add(setTimeout(() => host.tokens.delete(token), api.lifetimeMs))
    return { status: 201, token, expires_at: new Date(Date.now() + api.lifetimeMs).toISOString() }
  }
  const server = await serveHttps(certificates, async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const [, installation] = /^\/app\/installations\/(\d+)\/access_tokens$/.exec(request.url ?? '') ?? []
    const { status, ...answer } = installation
      ? await mint(request.headers.authorization ?? '', installation, body).catch(() => ({
          status: 401,
          message: 'A JSON web token could not be decoded',
        }))
      : { status: 404, message: 'Not Found' }
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  const api: GitHubApi = {
    url: server.origin,
    appId: '123456',
    privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    minted: [],
    lifetimeMs: 3_600_000,
    refuses: undefined,
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearTimeout(timer)
      await server[Symbol.asyncDispose]()
    },
  }
  return api
}
