import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { emptyReport } from '../../container/push/record/push-recorder.ts'
import type { PushEvent } from '../../src/contract/companion-api/push-event.ts'
import {
  type Frame,
  FrameError,
  FrameReader,
  writeFrame,
} from '../../src/contract/companion-api/push-frames.ts'

const event: fc.Arbitrary<PushEvent> = fc.oneof(
  fc.record({ text: fc.string({ unit: 'grapheme' }), ms: fc.nat() }).map(({ text, ms }) => ({
    event: 'step-begun' as const,
    step: text,
    ms,
    steps: [{ step: text, ms }],
  })),
  fc.constant({ event: 'checked' } as const),
  fc.string({ unit: 'binary' }).map(text => ({
    event: 'ended' as const,
    report: { ...emptyReport('p1'), outcome: 'refused' as const, remoteLines: [text.toWellFormed()] },
  })),
)
const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.uint8Array({ maxLength: 2_000 }).map(bytes => ({ type: 'bytes' as const, bytes })),
  event.map(each => ({ type: 'event' as const, event: each })),
  fc.constant({ type: 'alive' as const }),
)

const read = (chunks: readonly Uint8Array[]) => {
  const reader = new FrameReader()
  const frames = chunks.flatMap(chunk => reader.push(chunk))
  return { frames: frames.map(plain), isPartial: reader.isPartial }
}
const plain = (each: Frame) => (each.type === 'bytes' ? { ...each, bytes: [...each.bytes] } : each)

/** Cuts the bytes at these places. */
function cutAt(bytes: Buffer, places: readonly number[]): Uint8Array[] {
  const cuts = [...new Set(places.map(place => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...cuts, bytes.length].map((end, index) => bytes.subarray(cuts[index - 1] ?? 0, end))
}

describe('the frames of a push', () => {
  test('are read as they were written, in chunks of any size', () => {
    fc.assert(
      fc.property(fc.array(frame), fc.array(fc.nat()), (frames, places) => {
        const bytes = Buffer.concat(frames.map(writeFrame))
        expect(read(cutAt(bytes, places))).toEqual({ frames: frames.map(plain), isPartial: false })
      }),
    )
  })

  test('that break off give the whole frames, and report a partial frame', () => {
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1 }), fc.nat(), (frames, place) => {
        const written = frames.map(writeFrame)
        const bytes = Buffer.concat(written)
        const end = place % bytes.length
        let whole = 0
        for (let at = 0; at + (written[whole]?.length ?? 1) <= end; whole++) at += written[whole]?.length ?? 0
        const held = Buffer.concat(written.slice(0, whole)).length
        expect(read([bytes.subarray(0, end)])).toEqual({
          frames: frames.slice(0, whole).map(plain),
          isPartial: end > held,
        })
      }),
    )
  })

  test.for([
    ['of an unknown type', [9, 0, 0, 0, 0]],
    ['longer than a frame may be', [1, 0xff, 0xff, 0xff, 0xff]],
    ['with an event that is no JSON', [2, 0, 0, 0, 1, 0x7b]],
    ['with an event that is not known', [2, 0, 0, 0, 2, 0x7b, 0x7d]],
  ] as const)('%s are an error', ([, bytes]) => {
    expect(() => read([Uint8Array.from(bytes)])).toThrow(FrameError)
  })
})
