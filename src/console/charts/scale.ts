/** Returns where the axis for these values ends: a round, even number of units. */
export function axisMax(values: readonly number[], unit: (max: number) => number): number {
  const max = Math.max(1, ...values)
  return roundUp(max / unit(max)) * unit(max)
}

/** Rounds up to one significant digit, and to an even number below 20, so that half of it is whole. */
function roundUp(value: number): number {
  const step = Math.max(2, 10 ** Math.floor(Math.log10(value)))
  return Math.ceil(value / step) * step
}
