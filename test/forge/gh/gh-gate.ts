import fs from 'node:fs'
import path from 'node:path'
import { type HostCall, HostCallPage } from '../../../src/contract/admin-api/records.ts'
import {
  type HttpsHost,
  makeCertificates,
  passOnTo,
  serveHttps,
  startHttpsHost,
} from '../../harness/hosts/https-host.ts'
import { type Agent, type Clone, type Gate, startGate } from '../../harness/index.ts'
import { type StandInGitHub, startStandInGitHub } from './stand-in-github.ts'

/** The name of the repository at the gate. */
export const NAME = 'GitHub.example/acme/App'

/** A gate behind TLS, with a repository at a stand-in for GitHub over HTTPS. */
export interface GhGate extends AsyncDisposable {
  readonly gate: Gate
  readonly github: StandInGitHub
  readonly host: HttpsHost
  /** Adds an agent. */
  agent(name: string, wishes: Parameters<Gate['agent']>[1]): Promise<GhAgent>
  calls(): Promise<HostCall[]>
}

export interface GhAgent {
  readonly agent: Agent
  readonly work: Clone
  /** The environment of gh, as `git gate agent-config --env` prints it, and the authority of the gate's certificate. */
  readonly env: Readonly<Record<string, string>>
  /** Asks the gate for a call as the agent. */
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Asked>
}
interface Asked {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

export async function startGhGate(): Promise<GhGate> {
  await using all = new AsyncDisposableStack()
  const certificates = makeCertificates()
  const github = all.use(await startStandInGitHub(certificates))
  const gate = all.use(await startGate())
  const host = all.use(await startHttpsHost(gate.upstream.dir, certificates))
  host.tokens.set(github.token, 'write')
  await gate.admin.request('PUT', '/credentials/bot', { user: 'x-access-token', secret: github.token })
  await gate.admin.request('POST', '/repositories', {
    name: NAME,
    upstream: host.url,
    credential: 'bot',
    ca: certificates.ca,
    forge: 'github',
    apiUrl: github.url,
    readRefs: ['refs/pull/*/head'],
  })
  const front = all.use(await serveHttps(certificates, passOnTo(gate.url)))
  const running = all.move()
  return {
    gate,
    github,
    host,
    async agent(name, wishes) {
      const agent = await gate.agent(name, wishes, { repository: NAME })
      const work = await agent.clone()
      const ca = path.join(work.dir, '.git', 'gate-ca.pem')
      fs.writeFileSync(ca, certificates.ca)
      return {
        agent,
        work,
        env: {
          GH_HOST: `${new URL(front.origin).host}/-/forge/${NAME}`,
          GH_ENTERPRISE_TOKEN: agent.token,
          GH_REPO: 'acme/repository',
          SSL_CERT_FILE: ca,
        },
        async ask(method, route, body, headers = {}) {
          const response = await fetch(`${gate.url}/-/forge/${NAME}${route}`, {
            method,
            redirect: 'manual',
            headers: {
              authorization: `token ${agent.token}`,
              'content-type': 'application/json',
              ...headers,
            },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          })
          return { status: response.status, headers: response.headers, text: await response.text() }
        },
      }
    },
    calls: async () => HostCallPage.parse(await gate.admin.request('GET', '/host-calls?limit=100')).calls,
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}
