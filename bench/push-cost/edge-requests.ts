const MARK = 'bench-edge: '

/**
 * Code at the end of the bundled Worker. It logs each statement of the ledger, each request to a Durable Object and
 * each request to the companion.
 */
export const LOGS_REQUESTS = `
import { env as benchEnv } from 'cloudflare:workers'
const benchLog = (kind, words) => console.log(${JSON.stringify(MARK)} + kind + ' ' + words)
const benchLedger = Object.getPrototypeOf(benchEnv.LEDGER)
const benchPrepare = benchLedger.prepare
benchLedger.prepare = function (sql) {
  benchLog('statement', sql.replace(/\\s+/g, ' ').trim().slice(0, 60))
  return benchPrepare.call(this, sql)
}
const benchObject = Companion.prototype.fetch
Companion.prototype.fetch = function (request) {
  benchLog('object', request.method + ' ' + new URL(request.url).pathname)
  return benchObject.call(this, request)
}
const benchFetch = globalThis.fetch
globalThis.fetch = (to, init) => {
  benchLog('companion', (init?.method ?? 'GET') + ' ' + new URL(to.url ?? to).pathname)
  return benchFetch(to, init)
}
`

export interface EdgeRequest {
  readonly kind: 'statement' | 'object' | 'companion'
  readonly words: string
}

/** Reads a line that LOGS_REQUESTS has logged; undefined: another line. */
export function readEdgeRequest(line: string): EdgeRequest | undefined {
  const [, kind, words = ''] = new RegExp(`${MARK}(statement|object|companion) (.*)`).exec(line) ?? []
  return kind === 'statement' || kind === 'object' || kind === 'companion' ? { kind, words } : undefined
}
