// Appends older pushes, a page at a time, when the end of the list comes near. Without this script, the link
// works.
import { parse } from './fragment.js'
import { proof } from './proof.js'

const link = document.getElementById('older')
const list = document.getElementById('pushes')

if (link instanceof HTMLAnchorElement && list) {
  let loading = false
  /** True if the reader follows the link from now on. */
  let isOver = false
  const observer = new IntersectionObserver(
    entries => {
      if (entries.some(entry => entry.isIntersecting)) void loadOlder()
    },
    { rootMargin: '800px' },
  )
  observer.observe(link)

  async function loadOlder() {
    if (loading || !(link instanceof HTMLAnchorElement) || !list) return
    loading = true
    try {
      const response = await fetch(link.href, { headers: { ...proof(), accept: 'text/html' } })
      if (!response.ok || response.redirected) {
        isOver = true
        return observer.disconnect()
      }
      const page = parse(await response.text())
      const older = page.getElementById('pushes')
      if (older) {
        older.removeAttribute('id')
        older.setAttribute('aria-label', 'Older pushes')
        link.parentElement?.before(older)
      }
      const next = page.getElementById('older')?.getAttribute('href')
      if (next) {
        link.href = next
        // A search that finds nothing goes on when the reader asks for more.
        isOver = !older?.firstElementChild
      } else {
        isOver = true
        link.parentElement?.remove()
      }
    } catch {
      // The link remains for the reader to follow.
      isOver = true
    } finally {
      loading = false
    }
    // The observer only reports changes, and the new items may not have moved the link out of range.
    observer.unobserve(link)
    if (!isOver) observer.observe(link)
  }
}
