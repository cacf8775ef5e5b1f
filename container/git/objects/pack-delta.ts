/** A step of a delta (gitformat-pack(5), "Deltified representation"): bytes of the base from an offset on, or of the delta. */
export interface DeltaStep {
  readonly isCopy: boolean
  readonly from: number
  readonly length: number
}

/** Returns the steps of a delta; undefined: it is for blobs of other sizes. Throws a RangeError when it is cut. */
export function deltaSteps(delta: Buffer, baseSize: number, size: number): DeltaStep[] | undefined {
  let at = 0
  const next = () => delta.readUInt8(at++)
  const number = () => {
    let value = 0
    for (let factor = 1, byte = 0x80; byte & 0x80; factor *= 128) {
      byte = next()
      value += (byte & 0x7f) * factor
    }
    return value
  }
  if (number() !== baseSize || number() !== size) return undefined
  const steps: DeltaStep[] = []
  let total = 0
  while (at < delta.length) {
    const step = next()
    const bytes = (first: number, count: number) => {
      let value = 0
      for (let i = 0; i < count; i++) if (step & (first << i)) value += next() * 256 ** i
      return value
    }
    if (step & 0x80) {
      const from = bytes(1, 4)
      steps.push({ isCopy: true, from, length: bytes(0x10, 3) || 0x10000 })
    } else if (step === 0) {
      // Reserved.
      return undefined
    } else {
      steps.push({ isCopy: false, from: at, length: step })
      at += step
    }
    total += steps.at(-1)?.length ?? 0
  }
  return total === size && at === delta.length ? steps : undefined
}

interface Range {
  readonly from: number
  readonly to: number
}

/** Returns a part of the new blob; undefined: it has bytes of another part of the base. */
export function applyDelta(
  steps: readonly DeltaStep[],
  delta: Buffer,
  { from, to }: Range,
  base: { readonly from: number; readonly bytes: Buffer },
): Buffer | undefined {
  const parts: Buffer[] = []
  let at = 0
  for (const step of steps) {
    const [start, end] = [Math.max(from, at), Math.min(to, at + step.length)]
    const bytes = step.isCopy ? base.bytes : delta
    const first = step.from - (step.isCopy ? base.from : 0) + start - at
    at += step.length
    if (start >= end) continue
    if (first < 0 || first + end - start > bytes.length) return undefined
    parts.push(bytes.subarray(first, first + end - start))
  }
  return Buffer.concat(parts)
}
