const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const

/** `5 minutes ago`, `in 3 days`, `just now`. browser/times.js says it in the same words later. */
export function relative(ms: number, now = Date.now()): string {
  for (const [unit, length] of UNITS) {
    const count = Math.floor(Math.abs(ms - now) / length)
    if (count === 0) continue
    const words = `${count} ${unit}${count === 1 ? '' : 's'}`
    return ms > now ? `in ${words}` : `${words} ago`
  }
  return ms > now ? 'in less than a minute' : 'just now'
}

/** A length of time, at a glance. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${ms} ms`
  const tenths = Math.round(ms / 100)
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
