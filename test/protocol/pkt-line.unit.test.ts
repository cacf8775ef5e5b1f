import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  FLUSH,
  MAX_PAYLOAD,
  type Pkt,
  PktLineError,
  PktLines,
  pktLine,
} from '../../container/git/pkt-line.ts'
import { processorMs } from '../harness/processor-time.ts'
import { cuts, hostileLines, inPieces } from './streams.ts'

const runs = { numRuns: 3000 }

/** Reads a whole stream: its packets, the rest, and the error that ended it. */
function readAll(pieces: readonly Buffer[]): { packets: Pkt[]; rest: Buffer; complaint?: string } {
  const lines = new PktLines()
  const packets: Pkt[] = []
  for (const [index, piece] of pieces.entries()) {
    lines.push(piece)
    try {
      for (let pkt = lines.next(); pkt !== undefined; pkt = lines.next()) packets.push(pkt)
    } catch (error) {
      if (!(error instanceof PktLineError)) throw error
      return {
        packets,
        rest: Buffer.concat([lines.rest, ...pieces.slice(index + 1)]),
        complaint: error.message,
      }
    }
  }
  return { packets, rest: lines.rest }
}

const packet = fc.oneof(
  { weight: 1, arbitrary: fc.constant('flush' as const) },
  { weight: 5, arbitrary: fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)) },
)
const written = (packets: readonly Pkt[]) =>
  Buffer.concat(packets.map(pkt => (pkt === 'flush' ? FLUSH : pktLine(pkt))))

test('written packets are read again in any chunks, up to the last whole packet', () => {
  fc.assert(
    fc.property(
      fc.array(packet, { maxLength: 12 }),
      fc.uint8Array({ maxLength: 3 }),
      cuts,
      (packets, tail, at) => {
        const bytes = Buffer.concat([written(packets), Buffer.from(tail)])
        expect(readAll(inPieces(bytes, at))).toEqual({ packets, rest: Buffer.from(tail) })
      },
    ),
    runs,
  )
})

test('a stream of any bytes means the same whole and in pieces', () => {
  fc.assert(
    fc.property(hostileLines, cuts, (bytes, at) => {
      expect(readAll(inPieces(bytes, at))).toEqual(readAll([bytes]))
    }),
    runs,
  )
})

test('no byte is lost or added: packets and rest are the stream', () => {
  fc.assert(
    fc.property(hostileLines, bytes => {
      const { packets, rest } = readAll([bytes])
      const again = Buffer.concat([written(packets), rest])
      expect(again.toString('latin1').toLowerCase()).toBe(bytes.toString('latin1').toLowerCase())
    }),
    runs,
  )
})

test('the largest payload goes through, one byte more is refused on both sides', () => {
  const largest = Buffer.alloc(MAX_PAYLOAD, 'x')
  expect(readAll([pktLine(largest)])).toEqual({ packets: [largest], rest: Buffer.alloc(0) })
  expect(() => pktLine(Buffer.alloc(MAX_PAYLOAD + 1))).toThrow(RangeError)
  expect(readAll([Buffer.from('fff1'), Buffer.alloc(MAX_PAYLOAD + 1)]).complaint).toMatch(/length 65521/)
})

test('a megabyte that comes byte by byte costs no more than its bytes', () => {
  const stream = Buffer.concat(Array<Buffer>(16).fill(pktLine(Buffer.alloc(MAX_PAYLOAD, 'x'))))
  const ms = processorMs(() =>
    expect(readAll(Array.from(stream, byte => Buffer.of(byte))).packets).toHaveLength(16),
  )
  expect(ms).toBeLessThan(10_000)
})

/** Reads the lines of a whole stream, and the bytes after the last packet that is whole. */
function readLines(pieces: readonly Buffer[]): { lines: string[]; rest: Buffer } {
  const packets = new PktLines()
  const lines: string[] = []
  for (const piece of pieces) {
    packets.push(piece)
    while (packets.takeLines(line => lines.push(line))) lines.push('flush')
  }
  return { lines, rest: packets.rest }
}

test('the lines of a stream are the texts of its packets, in any chunks', () => {
  const line = fc.oneof(fc.constant('flush' as const), fc.string({ maxLength: 60, unit: 'binary' }))
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 12 }),
      fc.uint8Array({ maxLength: 3 }),
      cuts,
      (sent, tail, at) => {
        const packets = sent.map(text => (text === 'flush' ? text : Buffer.from(text)))
        const bytes = Buffer.concat([written(packets), Buffer.from(tail)])
        const lines = sent.map(text => Buffer.from(text).toString('utf8').replace(/\n$/, ''))
        expect(readLines(inPieces(bytes, at))).toEqual({ lines, rest: Buffer.from(tail) })
      },
    ),
    runs,
  )
})

test('a megabyte of lines that comes byte by byte costs no more than its bytes', () => {
  const stream = Buffer.concat(Array<Buffer>(16).fill(pktLine(Buffer.alloc(MAX_PAYLOAD, 'x'))))
  const ms = processorMs(() =>
    expect(readLines(Array.from(stream, byte => Buffer.of(byte))).lines).toHaveLength(16),
  )
  expect(ms).toBeLessThan(10_000)
})

test('a line of an invalid length is an error, and the lines before it are not lost', () => {
  const packets = new PktLines()
  const lines: string[] = []
  packets.push(Buffer.concat([pktLine('one\n'), Buffer.from('0002')]))
  expect(() => packets.takeLines(line => lines.push(line))).toThrow(PktLineError)
  expect(lines).toEqual(['one'])
})
