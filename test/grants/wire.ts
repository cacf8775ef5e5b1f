import http from 'node:http'
import { FLUSH, PktLines, pktLine } from '../../container/git/pkt-line.ts'
import type { Clone } from '../harness/clone.ts'
import type { Agent, Gate } from '../harness/index.ts'

export const ZERO = '0'.repeat(40)
export const CAPABILITIES = 'report-status-v2 side-band-64k object-format=sha1 agent=git/by-hand'

/** A command of the list; a ref's name may be bytes that are no text. */
export type Line = readonly [old: string, id: string, ref: string | Buffer]

/** Returns the body of a push: the command list, and the bytes that follow it. */
export function body(
  lines: readonly Line[],
  pack: Buffer = Buffer.alloc(0),
  capabilities = CAPABILITIES,
): Buffer {
  return Buffer.concat([
    ...lines.map(([old, id, ref], index) =>
      pktLine(
        Buffer.concat([
          Buffer.from(`${old} ${id} `),
          Buffer.from(ref),
          Buffer.from(index ? '' : `\0${capabilities}`),
        ]),
      ),
    ),
    FLUSH,
    pack,
  ])
}

/** Returns a pack of these revisions; `^` excludes a revision. */
export async function packOf(work: Clone, ...revisions: readonly string[]): Promise<Buffer> {
  const ids = await Promise.all(
    revisions.map(async name =>
      name.startsWith('^')
        ? `^${await work.text(['rev-parse', name.slice(1)])}`
        : work.text(['rev-parse', name]),
    ),
  )
  const made = await work.git(['pack-objects', '--revs', '--stdout', '-q'], {
    input: `${ids.join('\n')}\n`,
    stdoutAs: 'latin1',
  })
  if (made.code !== 0) throw new Error(`no pack: ${made.output}`)
  return Buffer.from(made.stdout, 'latin1')
}

export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
  /** The lines of the report. */
  readonly report: readonly string[]
  readonly shown: string
}

export interface Posting {
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly method?: string
}

/** Sends a request of `who` with the path as given, without normalization. */
export function send(
  gate: Gate,
  who: Pick<Agent, 'name' | 'token'>,
  bytes: Buffer,
  posting: Posting = {},
): Promise<Answer> {
  const { path = '/app.git/git-receive-pack', method = 'POST', headers = {} } = posting
  return request(gate.url, path, method, bytes, {
    authorization: `Basic ${btoa(`${who.name}:${who.token}`)}`,
    ...(method === 'POST' ? { 'content-type': 'application/x-git-receive-pack-request' } : {}),
    ...headers,
  })
}

/** Sends a request; its client disconnects after `goneAfter` milliseconds. */
export function request(
  url: string,
  path: string,
  method: string,
  bytes: Buffer,
  headers: Readonly<Record<string, string | string[]>>,
  goneAfter?: number,
): Promise<Answer> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const asked = http.request({ host: hostname, port, path, method, headers, agent: false }, response => {
      const chunks: Buffer[] = []
      response.on('error', reject)
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const whole = Buffer.concat(chunks)
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: whole,
          ...readReply(whole),
        })
      })
    })
    asked.on('error', reject)
    if (goneAfter !== undefined) asked.setTimeout(goneAfter, () => asked.destroy())
    asked.end(bytes)
  })
}

function readReply(bytes: Buffer): { report: string[]; shown: string } {
  const [outer, inner] = [new PktLines(), new PktLines()]
  const report: string[] = []
  let shown = ''
  try {
    outer.push(bytes)
    for (let pkt = outer.next(); pkt !== undefined; pkt = outer.next()) {
      if (pkt === 'flush') continue
      if (pkt[0] === 2) shown += pkt.toString('utf8', 1)
      else if (pkt[0] === 1) inner.push(pkt.subarray(1))
      else report.push(pkt.toString('utf8').trimEnd())
    }
    for (let pkt = inner.next(); pkt !== undefined; pkt = inner.next())
      if (pkt !== 'flush') report.push(pkt.toString('utf8').trimEnd())
  } catch {
    // An answer that is not in pkt-lines has no report.
  }
  return { report, shown }
}
