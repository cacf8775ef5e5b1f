import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { z } from 'zod'
import { pktLine } from '../../container/pkt-line.ts'
import { PushReport } from '../../src/contract/outcome.ts'
import { PASS_HEADER, PASS_SECONDS, Pass, PROTOCOL, ROUTES, signPass } from '../../src/contract/pass.ts'
import type { Clone, Gate } from '../harness/index.ts'

const ZERO = '0'.repeat(40)

/** What git sends to create a ref at the clone's HEAD: the command list and the pack (gitprotocol-pack(5)). */
export async function pushBody(work: Clone, ref: string): Promise<Buffer> {
  const id = await work.text(['rev-parse', 'HEAD'])
  const list = pktLine(`${ZERO} ${id} ${ref}\0report-status side-band-64k agent=git/raw`)
  const input = `${id}\n^origin/main\n`
  const packed = await work.git(['pack-objects', '--revs', '--stdout', '--thin', '-q'], {
    input,
    stdoutAs: 'latin1',
  })
  return Buffer.concat([list, Buffer.from('0000'), Buffer.from(packed.stdout, 'latin1')])
}

/** A push as bytes on a socket, whose every step is the test's. */
export interface RawPush {
  /** All that has come back. */
  readonly answer: string
  /** Resolves when the report is there, the flush packet that ends it included. */
  reported(): Promise<void>
  /** Resolves when the other side has closed. */
  readonly closed: Promise<void>
  send(bytes: Buffer): void
  end(): void
  destroy(): void
}

/** Begins a chunked POST. */
export async function postPush(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<RawPush> {
  const socket = net.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  let answer = ''
  socket.setEncoding('latin1').on('data', (text: string) => {
    answer += text
  })
  socket.on('error', () => {})
  const lines = [
    `POST ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Content-Type: application/x-git-receive-pack-request',
    'Transfer-Encoding: chunked',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  return {
    get answer() {
      return answer
    },
    closed: once(socket, 'close').then(() => {}),
    async reported() {
      while (!/unpack [\s\S]*0000/.test(answer)) {
        if (socket.destroyed) throw new Error(`closed without a report: ${answer}`)
        await Promise.race([once(socket, 'data'), once(socket, 'close')])
      }
    },
    send(bytes) {
      socket.write(`${bytes.length.toString(16)}\r\n`)
      socket.write(bytes)
      socket.write('\r\n')
    },
    end: () => void socket.write('0\r\n\r\n'),
    destroy: () => socket.resetAndDestroy(),
  }
}

type Wanted = Omit<Extract<Pass, { service: 'git-receive-pack' }>, 'v' | 'exp' | 'service' | 'id'>

/** What an agent's push needs of the companion, as the Worker would ask for it. */
export async function grantOn(gate: Gate, repository: string, agent: string): Promise<Wanted> {
  const { upstream, ...settings } = z
    .looseObject({ upstream: z.string() })
    .parse(await gate.admin.ask('GET', `/repositories/${repository}`))
  const { terms } = z
    .object({ terms: z.unknown() })
    .parse(await gate.admin.ask('GET', `/grants/${agent}/${repository}`))
  const pass = Pass.parse({
    service: 'git-receive-pack',
    v: PROTOCOL,
    id: '-',
    exp: 0,
    repository: { ...settings, url: upstream },
    agent,
    terms,
    exceptions: [],
    gitleaksConfig: '',
  })
  if (pass.service !== 'git-receive-pack') throw new Error('this is no pass for a push')
  const { v: _, exp: __, service: ___, id: ____, ...wanted } = pass
  return wanted
}

/** The header that opens the companion for one push, and the push's id. */
export async function passFor(
  gate: Gate,
  wanted: Wanted,
): Promise<{ id: string; headers: Record<string, string> }> {
  const id = randomUUID()
  const exp = Math.floor(Date.now() / 1000) + PASS_SECONDS
  const pass = { service: 'git-receive-pack', v: PROTOCOL, id, exp, ...wanted } as const
  return { id, headers: { [PASS_HEADER]: await signPass(pass, gate.passKey) } }
}

/** What the companion says of a push. */
export async function reportOf(gate: Gate, push: string): Promise<PushReport | undefined> {
  const exp = Math.floor(Date.now() / 1000) + PASS_SECONDS
  const ask = {
    service: 'push-report',
    v: PROTOCOL,
    id: randomUUID(),
    exp,
    push,
    wait: 0,
    until: 'ended',
  } as const
  const answer = await fetch(new URL(ROUTES['push-report'].path, gate.companion.url), {
    headers: { [PASS_HEADER]: await signPass(ask, gate.passKey) },
  })
  return answer.ok ? PushReport.parse(await answer.json()) : undefined
}
