// Keeps "5 minutes ago" true while a page stays open, in the words of ../times.ts.
const UNITS = /** @type {const} */ ([
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
])

/** @param {number} ms */
function relative(ms) {
  const now = Date.now()
  for (const [unit, length] of UNITS) {
    const count = Math.floor(Math.abs(ms - now) / length)
    if (count === 0) continue
    const words = `${count} ${unit}${count === 1 ? '' : 's'}`
    return ms > now ? `in ${words}` : `${words} ago`
  }
  return ms > now ? 'in less than a minute' : 'just now'
}

/** @param {ParentNode} within */
export function tellTimes(within) {
  for (const time of within.querySelectorAll('time[data-relative]')) {
    const words = relative(Date.parse(time.getAttribute('datetime') ?? ''))
    if (time.textContent !== words) time.textContent = words
  }
}

setInterval(() => tellTimes(document), 15_000)
