// Older pushes come by themselves, each page of them as a list of its own, as the end of the list is neared; without
// this the link leads to them.
import { parse } from './fragment.js'
import { proof } from './proof.js'

const link = document.getElementById('older')
const list = document.getElementById('pushes')

if (link instanceof HTMLAnchorElement && list) {
  let loading = false
  const near = new IntersectionObserver(
    entries => {
      if (entries.some(entry => entry.isIntersecting)) void more()
    },
    { rootMargin: '800px' },
  )
  near.observe(link)

  async function more() {
    if (loading || !(link instanceof HTMLAnchorElement) || !list) return
    loading = true
    try {
      const answer = await fetch(link.href, { headers: { ...proof(), accept: 'text/html' } })
      if (!answer.ok || answer.redirected) return near.disconnect()
      const page = parse(await answer.text())
      const older = page.getElementById('pushes')
      if (older) {
        older.removeAttribute('id')
        older.setAttribute('aria-label', 'Older pushes')
        link.parentElement?.before(older)
      }
      const next = page.getElementById('older')?.getAttribute('href')
      if (next) link.href = next
      else {
        near.disconnect()
        link.parentElement?.remove()
      }
    } catch {
      // The link is still there to be followed by hand.
      near.disconnect()
    } finally {
      loading = false
    }
    // Seen again from the start, in case the new lines did not move it out of sight.
    near.unobserve(link)
    if (link.isConnected) near.observe(link)
  }
}
