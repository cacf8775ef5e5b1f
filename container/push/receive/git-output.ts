import { type Backend, createCgiHeaderParser } from '../../git/http-backend.ts'
import { PktLines } from '../../git/pkt-line.ts'
import type { Reply } from '../../git/report-status.ts'

/**
 * Reads receive-pack's response. Its progress is relayed to the client at once. Its report is withheld: for
 * each ref it says only "pre-receive hook declined", and the gate has a reason per ref. The returned function
 * gives the `unpack` status and the last 4,096 characters of git's progress.
 */
export function readGitOutput(
  backend: Backend,
  reply: Reply,
  /** Called for each packet. Git's keepalives are empty packets, sent once it has read the whole pack. */
  onPacket: (isKeepalive: boolean) => void,
): () => { unpack: string; messages: string } {
  const readHead = createCgiHeaderParser()
  const packets = new PktLines()
  const report = new PktLines()
  let inBody = false
  let unpack = ''
  let messages = ''
  const accept = (bytes: Buffer) => {
    packets.push(bytes)
    for (let pkt = packets.next(); pkt !== undefined; pkt = packets.next()) {
      const isKeepalive = pkt !== 'flush' && pkt[0] === 1 && pkt.length === 1
      onPacket(isKeepalive)
      if (pkt === 'flush') continue
      if (isKeepalive) reply.keepalive()
      else if (pkt[0] === 2) {
        messages = (messages + pkt.toString('utf8', 1)).slice(-4096)
        reply.progress(pkt.subarray(1))
      } else if (pkt[0] === 1) {
        report.push(pkt.subarray(1))
        for (let line = report.next(); line !== undefined; line = report.next())
          if (line !== 'flush') unpack ||= unpackStatus(line)
      } else unpack ||= unpackStatus(pkt)
    }
  }
  backend.stdout.on('data', (chunk: Buffer) => {
    if (inBody) return accept(chunk)
    const head = readHead(chunk)
    if (!head) return
    inBody = true
    accept(head.body)
  })
  return () => ({ unpack, messages })
}

const unpackStatus = (line: Buffer) => /^unpack (.*)$/m.exec(line.toString('utf8'))?.[1] ?? ''
