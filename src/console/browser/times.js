// Updates relative times such as "5 minutes ago" while a page is open, in the format of
// components/format-time.ts.
const UNITS = /** @type {const} */ ([
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
])

/** @param {number} ms */
function relativeTime(ms) {
  const now = Date.now()
  for (const [unit, length] of UNITS) {
    const count = Math.floor(Math.abs(ms - now) / length)
    if (count === 0) continue
    const amount = `${count} ${unit}${count === 1 ? '' : 's'}`
    return ms > now ? `in ${amount}` : `${amount} ago`
  }
  return ms > now ? 'in less than a minute' : 'just now'
}

/** @param {ParentNode} container */
export function updateTimes(container) {
  for (const time of container.querySelectorAll('time[data-relative]')) {
    const text = relativeTime(Date.parse(time.getAttribute('datetime') ?? ''))
    if (time.textContent !== text) time.textContent = text
  }
}

setInterval(() => updateTimes(document), 15_000)
