import type { Duplex } from 'node:stream'
import { PktLines, readLength } from '../git/pkt-line.ts'
import { endSession } from './end-session.ts'
import type { LinkLease, UploadPack } from './link.ts'
import { lsRefs } from './ls-refs.ts'
import type { UpstreamRefs } from './upstream-refs.ts'

/** A session of upstream's git-upload-pack in protocol version 2, which has listed refs and takes further requests. */
export interface UploadSession {
  /**
   * Serves a git on its socket: the capabilities and the refs are those that upstream has sent before, and everything
   * after them passes between git and upstream. Returns false if the session has ended, or was used.
   */
  serve(socket: Duplex): boolean
  /** Ends the session. */
  end(): void
}

/** Makes a session of a process that has sent its capabilities, `greeting`, and answered a request for its refs. */
export function createUploadSession(
  { child }: UploadPack,
  release: LinkLease['release'],
  greeting: Buffer,
  refs: UpstreamRefs,
): UploadSession {
  let isUsed = false
  let isOver = false
  let wasKilled = false
  child.stdout?.pause()
  child.once('close', (_, killedBy) => {
    isOver = true
    release({ broken: wasKilled || killedBy !== null })
  })
  const end = () => {
    if (isOver) return
    isOver = true
    endSession(child, () => {
      wasKilled = true
    })
  }
  return {
    end,
    serve(socket) {
      const { stdin, stdout, exitCode, signalCode } = child
      const hasExited = exitCode !== null || signalCode !== null
      // The bytes of a name that is not UTF-8 are lost.
      const isLossy = refs.refs.keys().some(ref => ref.includes('\ufffd'))
      if (isUsed || isOver || hasExited || isLossy || !stdin || !stdout) return false
      isUsed = true
      const answer = new Framing()
      stdout.on('data', (chunk: Buffer) => answer.push(chunk))
      socket.on('data', () => {
        answer.isFlushed = false
      })
      // git ends its side as soon as it has asked for the objects.
      socket.allowHalfOpen = true
      socket.once('end', () => {
        stdin.end()
        // Upstream's exit would be another round trip.
        const endWhenWhole = () => {
          if (answer.isFlushed) socket.end()
        }
        endWhenWhole()
        stdout.on('data', endWhenWhole)
      })
      stdout.once('end', () => socket.end())
      socket.write(greeting)
      answerFirst(socket, refs, rest => {
        // git's requests are small. A pipe would stop reading when upstream takes no more, and git's end would go unseen.
        const sendToUpstream = (bytes: Buffer) => void (stdin.writable && stdin.write(bytes))
        sendToUpstream(rest)
        socket.on('data', sendToUpstream)
        stdout.pipe(socket, { end: false })
      })
      return true
    },
  }
}

/** Follows the lengths of pkt-lines, without a copy of their content. */
class Framing {
  /** True: the bytes so far end with a flush, which ends an answer. */
  isFlushed = false
  #header: Buffer = Buffer.alloc(0)
  #left = 0

  push(chunk: Buffer): void {
    for (let offset = 0; offset < chunk.length; ) {
      if (this.#left === 0) {
        const part = chunk.subarray(offset, offset + LENGTH_BYTES - this.#header.length)
        this.#header = Buffer.concat([this.#header, part])
        offset += part.length
        if (this.#header.length < LENGTH_BYTES) return
        const length = readLength(this.#header, 0)
        this.#header = Buffer.alloc(0)
        this.isFlushed = length === 0
        this.#left = Math.max(0, length - LENGTH_BYTES)
      } else {
        const passed = Math.min(this.#left, chunk.length - offset)
        this.#left -= passed
        offset += passed
      }
    }
  }
}

const LENGTH_BYTES = 4

/** Answers git's request for the refs. A first request for something else is left to upstream, as is everything later. */
function answerFirst(socket: Duplex, refs: UpstreamRefs, onRest: (bytes: Buffer) => void): void {
  const packets = new PktLines()
  const lines: string[] = []
  const seen: Buffer[] = []
  const read = (chunk: Buffer) => {
    seen.push(chunk)
    packets.push(chunk)
    for (let pkt = packets.nextOrDelimiter(); pkt !== undefined; pkt = packets.nextOrDelimiter()) {
      if (pkt !== 'flush') {
        if (pkt !== 'delimiter') lines.push(pkt.toString('utf8').replace(/\n$/, ''))
        continue
      }
      socket.off('data', read)
      if (lines[0] !== 'command=ls-refs') return onRest(Buffer.concat(seen))
      socket.write(lsRefs(refs, lines))
      return onRest(packets.rest)
    }
  }
  socket.on('data', read)
}
