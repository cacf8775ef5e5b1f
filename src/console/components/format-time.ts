const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const

/** `5 minutes ago`, `in 3 days`, `just now`. browser/times.js must format times in the same way. */
export function relativeTime(ms: number, now = Date.now()): string {
  for (const [unit, length] of UNITS) {
    const count = Math.floor(Math.abs(ms - now) / length)
    if (count === 0) continue
    const amount = `${count} ${unit}${count === 1 ? '' : 's'}`
    return ms > now ? `in ${amount}` : `${amount} ago`
  }
  return ms > now ? 'in less than a minute' : 'just now'
}

/** `850 ms`, `2.5 s`, `3 min 20 s` */
export function duration(ms: number): string {
  if (ms < 1_000) return `${ms} ms`
  const tenths = Math.round(ms / 100)
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
