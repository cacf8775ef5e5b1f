// A server of the pure SSH transfer in which a test chooses the fault: `node scripted-transfer.ts FOLDER FAULT`.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { DELIMITER, FLUSH, PktLines, pktLine } from '../../container/git/pkt-line.ts'

/** The fault of a scripted server, in the middle of an object. */
export type TransferFault = 'none' | 'dies' | 'silent' | 'odd' | 'refuses'

const [folder = '', fault = 'none'] = process.argv.slice(2)
const at = (oid: string) => path.join(folder, oid)
const say = (...parts: (string | Buffer)[]) =>
  process.stdout.write(
    Buffer.concat(parts.map(part => (typeof part === 'string' ? pktLine(`${part}\n`) : part))),
  )

/** Serves one request: its lines before the delimiter, and what follows. */
function serve([command = '', ...args]: readonly string[], rest: readonly Buffer[]): void {
  const [name, oid = ''] = command.split(' ')
  const isGiven = args.includes('token=given')
  if (name === 'version' || name === 'quit') say('status 200', FLUSH)
  else if (name === 'batch') {
    const actions = rest.map(line => {
      const [id = '', size] = line.toString('utf8').trim().split(' ')
      const has = existsSync(at(id)) ? 'download token=given' : 'upload token=given expires-in=600'
      return `${id} ${size} ${has}`
    })
    say('status 200', DELIMITER, ...actions, FLUSH)
  } else if (!isGiven) say('status 403', DELIMITER, 'there is no token', FLUSH)
  else if (name === 'verify-object') say(existsSync(at(oid)) ? 'status 200' : 'status 404', FLUSH)
  else if (name === 'put-object') {
    writeFileSync(at(oid), Buffer.concat(rest))
    say('status 200', FLUSH)
  } else if (name === 'get-object') sendObject(oid)
}

function sendObject(oid: string): void {
  if (fault === 'refuses') return void say('status 404', DELIMITER, 'the object is locked away', FLUSH)
  const bytes = readFileSync(at(oid))
  say('status 200', `size=${bytes.length}`, DELIMITER)
  for (let start = 0; start < bytes.length; start += 30_000) {
    say(pktLine(bytes.subarray(start, start + 30_000)))
    if (fail()) return
  }
  say(FLUSH)
}

/** Shows the fault in the middle of an object. True: the object does not go on. */
function fail(): boolean {
  if (fault === 'dies') process.stdout.write('', () => process.kill(process.pid, 'SIGKILL'))
  if (fault === 'odd') process.stdout.write('nonsense')
  return fault === 'dies' || fault === 'odd' || fault === 'silent'
}

say('version=1', 'locking', FLUSH)
const packets = new PktLines()
let head: string[] = []
let rest: Buffer[] | undefined
process.stdin.on('data', (chunk: Buffer) => {
  packets.push(chunk)
  for (let packet = packets.nextOrDelimiter(); packet !== undefined; packet = packets.nextOrDelimiter()) {
    if (packet === 'delimiter') rest = []
    else if (packet === 'flush') {
      serve(head, rest ?? [])
      head = []
      rest = undefined
    } else if (rest) rest.push(Buffer.from(packet))
    else head.push(packet.toString('utf8').trim())
    if (rest?.length === 1 && head[0]?.startsWith('put-object')) {
      if (fault === 'refuses') say('status 422', DELIMITER, 'the quota is used up', FLUSH)
      if (fault === 'refuses' || fail()) return void process.stdin.removeAllListeners('data').pause()
    }
  }
})
process.stdin.on('end', () => process.exit())
