import type { Socket } from 'node:net'
import { PktLineError, PktLines } from '../git/pkt-line.ts'
import { MAX_REQUEST_LINE } from './request-line.ts'

/**
 * Reads a connection's first packet. Resolves with undefined if it is not complete within `withinMs`
 * milliseconds, is malformed, or is longer than MAX_REQUEST_LINE. Bytes after it stay unread.
 */
export function readFirstPacket(socket: Socket, withinMs: number): Promise<Buffer | undefined> {
  const packets = new PktLines()
  return new Promise(resolve => {
    const done = (packet?: Buffer) => {
      clearTimeout(late)
      socket.off('readable', read)
      for (const name of ['end', 'close'] as const) socket.off(name, over)
      resolve(packet)
    }
    const over = () => done()
    const read = () => {
      const chunk: Buffer | null = socket.read()
      if (chunk === null) return
      packets.push(chunk)
      try {
        const packet = packets.next()
        if (packet === 'flush' || packets.rest.length > MAX_REQUEST_LINE) return done()
        if (!packet) return
        if (packets.rest.length) socket.unshift(packets.rest)
        done(packet)
      } catch (error) {
        if (!(error instanceof PktLineError)) throw error
        done()
      }
    }
    const late = setTimeout(over, withinMs)
    socket.on('readable', read)
    for (const name of ['end', 'close'] as const) socket.on(name, over)
  })
}
