import fc from 'fast-check'

/** The places where a network cuts a body into pieces. */
export const cuts = fc.array(fc.nat(), { maxLength: 12 })

export function inPieces(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [...new Set(at.map(place => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...places, bytes.length].map((end, index) => bytes.subarray(places[index - 1] ?? 0, end))
}

/** Lengths of near pkt-lines: wrong, not hex, reserved, or past the end. */
const length = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 40 }).map(n => n.toString(16).padStart(4, '0')) },
  fc.constantFrom('0000', '0001', '0002', '0003', '0004', '0005', 'fff0', 'fff1', 'ffff', 'FFF0', '000A'),
  fc.constantFrom(' 005', '+005', '-001', '0x05', '00 5', '5.00', '٠٠٠٥', '\0\0\0\0', '0\n00'),
)
export const hostileLines = fc
  .array(
    fc
      .tuple(length, fc.uint8Array({ maxLength: 40 }))
      .map(([size, payload]) => [Buffer.from(size), Buffer.from(payload)]),
    { maxLength: 8 },
  )
  .map(parts => Buffer.concat(parts.flat()))
