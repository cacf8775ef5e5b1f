import { once } from 'node:events'
import net from 'node:net'
import { PktLines, pktLine } from '../../container/pkt-line.ts'
import type { Clone } from '../harness/index.ts'

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
  /** All that has come back, as one byte a character. */
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
  const lines = [
    `POST ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Content-Type: application/x-git-receive-pack-request',
    'Transfer-Encoding: chunked',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  const write = (bytes: Buffer) => {
    socket.write(`${bytes.length.toString(16)}\r\n`)
    socket.write(bytes)
    socket.write('\r\n')
  }
  return rawPush(socket, write, () => void socket.write('0\r\n\r\n'))
}

/** Begins a push over git's own protocol, and reads the advertisement. */
export async function openPush(port: number, path: string): Promise<RawPush> {
  const socket = net.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(pktLine(`git-receive-pack ${path}\0host=127.0.0.1\0`))
  const packets = new PktLines()
  for (let pkt: ReturnType<PktLines['next']>; pkt !== 'flush'; pkt = packets.next()) {
    if (pkt !== undefined) continue
    const [chunk] = await once(socket, 'data')
    packets.push(chunk)
  }
  return rawPush(
    socket,
    bytes => void socket.write(bytes),
    () => {},
  )
}

function rawPush(socket: net.Socket, send: RawPush['send'], end: RawPush['end']): RawPush {
  let answer = ''
  socket.setEncoding('latin1').on('data', (text: string) => {
    answer += text
  })
  socket.on('error', () => {})
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  return {
    get answer() {
      return answer
    },
    closed,
    async reported() {
      while (!/unpack [\s\S]*0000/.test(answer)) {
        if (socket.destroyed) throw new Error(`closed without a report: ${answer}`)
        await Promise.race([once(socket, 'data'), closed])
      }
    },
    send,
    end,
    destroy: () => socket.resetAndDestroy(),
  }
}

/** What git would show of an answer: the lines of its side band, and each ref's status. */
export function shownOf(answer: string): string {
  const [head, body] = /^HTTP/.test(answer) ? cut(answer, '\r\n\r\n') : ['', answer]
  if (head && !/^HTTP\S+ 200/.test(head)) return cut(head, '\r\n')[0]
  const packets = new PktLines()
  const report = new PktLines()
  packets.push(Buffer.from(/^transfer-encoding: chunked/im.test(head) ? unchunked(body) : body, 'latin1'))
  let shown = ''
  for (let pkt = packets.next(); pkt; pkt = packets.next()) {
    if (pkt === 'flush') continue
    if (pkt[0] === 2) shown += pkt.toString('utf8', 1).replace(/^(?=.)/gm, 'remote: ')
    else if (pkt[0] === 1) report.push(pkt.subarray(1))
  }
  for (let line = report.next(); line; line = report.next())
    if (line !== 'flush')
      shown += line
        .toString('utf8')
        .replace(/^ok (\S+)/, ' * $1 -> $1')
        .replace(/^ng (\S+) (.*)/, ' ! [remote rejected] $1 -> $1 ($2)')
        .replace(/^unpack ok\n/, '')
  return shown
}

const cut = (text: string, at: string): [string, string] => {
  const index = text.indexOf(at)
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index + at.length)]
}

function unchunked(body: string): string {
  let text = ''
  for (let rest = body; rest; ) {
    const [size, more] = cut(rest, '\r\n')
    const length = Number.parseInt(size, 16)
    if (!length) break
    text += more.slice(0, length)
    rest = more.slice(length + 2)
  }
  return text
}
