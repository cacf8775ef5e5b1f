import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  convertV4MiniflareOptions,
  fetch as fetchOutside,
  Miniflare,
  Response as OutsideResponse,
} from 'miniflare'
import { inject } from 'vitest'
import { projectRoot } from '../../local/worker/bundle.ts'
import { type Database, migrate } from '../../local/worker/migrations.ts'
import { tieWorkerd } from '../../local/worker/workerd.ts'
import { PASS_HEADER, type Pass, PROTOCOL, readPass } from '../../src/contract/companion-api/pass.ts'

/** A request to the fake companion: its pass and its body. */
interface CompanionRequest {
  readonly pass: Pass
  readonly body: string
}
interface CompanionResponse {
  readonly status?: number
  readonly body: unknown
}
type Companion = (companionRequests: CompanionRequest) => CompanionResponse | Promise<CompanionResponse>

export interface AdminGate extends AsyncDisposable {
  readonly url: string
  readonly adminToken: string
  readonly ledger: Database
  /** Runs the scheduled handler, which runs every minute. */
  tick(): Promise<void>
  /** Every row of every table, as text. */
  dump(): Promise<string>
  /** The Worker's log lines. */
  readonly log: readonly string[]
  /** The requests that the companion has received. */
  readonly companionRequests: readonly CompanionRequest[]
  /** Sends a request as the first administrator, unless `init` says otherwise. */
  request(path: string, init?: RequestInit): Promise<Response>
  /** Sends JSON, and returns the JSON of a successful response. */
  json(method: string, path: string, body?: unknown): Promise<unknown>
}

/** miniflare's types omit the handlers when the Workers types are not installed. */
interface Scheduled {
  scheduled(event: { cron: string }): Promise<unknown>
}

const PUBLIC_KEY = `ssh-ed25519 ${'A'.repeat(68)} git-gate`

const RESPONSES: { readonly [service in Pass['service']]?: unknown } = {
  identity: { publicKey: PUBLIC_KEY },
  'forget-identity': { removed: true },
  credential: { stored: true },
  'forget-credential': { removed: true },
  'add-deploy-key': { key: 1 },
  'remove-deploy-key': { removed: true },
  'check-config': { problem: null },
}

const defaultCompanion: Companion = ({ pass }) => ({
  body: RESPONSES[pass.service] ?? { steps: [{ name: 'ssh', ok: true, detail: 'connected', fix: '' }] },
})

/** Starts the Worker in workerd with an empty ledger and a fake companion. */
export async function startAdminGate(
  options: {
    companion?: Companion
    /** An undefined binding is omitted. */
    bindings?: Record<string, string | undefined>
    /** Returns the JSON response of an external URL; undefined sends the request. */
    externalResponse?: (url: string) => unknown
  } = {},
): Promise<AdminGate> {
  const companion = options.companion ?? defaultCompanion
  const companionRequests: CompanionRequest[] = []
  const log: string[] = []
  const passKey = randomBytes(32).toString('hex')
  const adminToken = randomBytes(24).toString('hex')
  const server = createServer(async (request, response) => {
    if (request.url === '/health') return response.end(JSON.stringify({ ok: true, protocol: PROTOCOL }))
    const pass = await readPass(String(request.headers[PASS_HEADER]), passKey, Date.now() / 1000)
    if (!pass.ok) return response.writeHead(403).end(JSON.stringify({ error: pass.why }))
    const companionRequest = { pass: pass.pass, body: await readText(request) }
    companionRequests.push(companionRequest)
    const { status = 200, body } = await companion(companionRequest)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      unsafeRuntimeEnv: tieWorkerd(),
      handleStructuredLogs: ({ message }) => log.push(message),
      script: fs.readFileSync(inject('worker'), 'utf8'),
      compatibilityDate: '2026-11-01',
      compatibilityFlags: ['enable_request_signal', 'request_signal_passthrough'],
      d1Databases: ['LEDGER'],
      durableObjects: { COMPANION: { className: 'Companion', useSQLite: true } },
      outboundService: request => {
        const answer = options.externalResponse?.(request.url)
        // The Worker itself follows a redirect, or does not.
        return answer === undefined
          ? fetchOutside(request, { redirect: 'manual' })
          : OutsideResponse.json(answer)
      },
      bindings: definedOnly({
        GATE_PASS_KEY: passKey,
        GATE_ADMIN_TOKEN: adminToken,
        GATE_COMPANION_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        ...options.bindings,
      }),
    }),
  )
  const url = (await miniflare.ready).href.replace(/\/$/, '')
  const ledger: Database = await miniflare.getD1Database('LEDGER')
  await migrate(ledger, `${projectRoot}/src/ledger/migrations`)
  const request = (path: string, init: RequestInit = {}) =>
    fetch(`${url}/-/api/v1${path}`, { headers: { authorization: `Bearer ${adminToken}` }, ...init })
  return {
    url,
    adminToken,
    ledger,
    log,
    companionRequests,
    request,
    async json(method, path, body) {
      const response = await request(path, {
        method,
        headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const answer: unknown = await response.json()
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`)
      return answer
    },
    async tick() {
      const worker = (await miniflare.getWorker()) as unknown as Scheduled
      await worker.scheduled({ cron: '* * * * *' })
    },
    async dump() {
      const tables = await ledger.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
      const names = tables.results.map(table => String(table.name)).filter(name => !name.startsWith('_cf'))
      const rows = await Promise.all(names.map(name => ledger.prepare(`SELECT * FROM "${name}"`).all()))
      return JSON.stringify(rows.map(({ results }) => results))
    },
    async [Symbol.asyncDispose]() {
      await miniflare.dispose()
      server.closeAllConnections()
      server.close()
    },
  }
}

const definedOnly = (values: Record<string, string | undefined>) =>
  Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** A known-hosts line with a random host key. */
export const hostKey = (host: string) =>
  `${host} ssh-ed25519 ${Buffer.concat([Buffer.from('0000000b7373682d6564323535313900000020', 'hex'), randomBytes(32)]).toString('base64')}\n`

/** Adds an identity, a repository and an agent. */
export async function seedRepository(
  gate: AdminGate,
  repository = 'github.com/acme/app',
  agent = 'ada',
): Promise<void> {
  await gate.json('POST', '/identities', { name: 'deploy' })
  await gate.json('POST', '/repositories', {
    name: repository,
    upstream: 'ssh://git@github.com/acme/app.git',
    identity: 'deploy',
    knownHosts: hostKey('github.com'),
  })
  await gate.json('POST', '/agents', { name: agent })
}
