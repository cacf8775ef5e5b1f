// Keeps a page as the ledger is: a list of pushes, or one push while it goes on.
import { parse } from './fragment.js'

const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 30_000

const live = document.querySelector('[data-live]')
if (live instanceof HTMLElement) watch(live, FIRST_WAIT_MS)

/**
 * @param {HTMLElement} region
 * @param {number} wait how long to wait, in milliseconds, before trying again when the connection is lost
 */
function watch(region, wait) {
  const stream = new EventSource(addressOf(region))
  let next = Math.min(wait * 2, LONGEST_WAIT_MS)
  const again = (/** @type {number} */ ms) => {
    stream.close()
    setTimeout(() => watch(region, next), ms)
  }
  stream.onopen = () => {
    next = FIRST_WAIT_MS
    say('live')
  }
  stream.onerror = () => {
    say('the connection is lost; trying again')
    again(wait)
  }
  stream.addEventListener('push', event => {
    const { id, html } = JSON.parse(event.data)
    putLine(region, id, html)
  })
  stream.addEventListener('page', event => {
    const { html } = JSON.parse(event.data)
    replaceKeepingFocus(region, parse(html).body)
  })
  stream.addEventListener('end', () => {
    if (region.id === 'push') stream.close()
    else again(0)
  })
  addEventListener('pagehide', () => stream.close(), { once: true })
}

/** @param {HTMLElement} region */
function addressOf(region) {
  const url = new URL(region.dataset.live ?? '', location.href)
  if (region.id !== 'pushes') return url
  url.searchParams.set('newest', region.firstElementChild?.id.slice('push-'.length) ?? '')
  // Also those in the lists of older pushes.
  const open = [...document.querySelectorAll('.pushes > [data-outcome="open"]')]
  url.searchParams.set('open', open.map(line => line.id.slice('push-'.length)).join(','))
  return url
}

/**
 * A line where it belongs: in the place of the one of the same push, or by its id among the others, newest first.
 * @param {HTMLElement} list
 * @param {string} id
 * @param {string} html
 */
function putLine(list, id, html) {
  const line = parse(html).body.firstElementChild
  if (!(line instanceof HTMLElement)) return
  const old = document.getElementById(`push-${id}`)
  if (old?.isEqualNode(line)) return
  if (old) {
    const focused = old.contains(document.activeElement)
    old.replaceWith(line)
    if (focused) line.querySelector('a')?.focus()
  } else {
    const before = [...list.children].find(each => each.id < line.id)
    list.insertBefore(line, before ?? null)
    document.getElementById('nothing')?.remove()
  }
  line.classList.add('changed')
  const announce = document.getElementById('announce')
  if (announce) announce.textContent = line.dataset.says ?? ''
}

/**
 * @param {HTMLElement} region
 * @param {HTMLElement} fresh
 */
function replaceKeepingFocus(region, fresh) {
  const focused = document.activeElement
  const place =
    focused && region.contains(focused) ? [...region.querySelectorAll('a, button, pre')].indexOf(focused) : -1
  region.replaceChildren(...fresh.childNodes)
  const again = place < 0 ? undefined : [...region.querySelectorAll('a, button, pre')][place]
  if (again instanceof HTMLElement) again.focus()
}

/** @param {string} words */
function say(words) {
  const status = document.getElementById('live')
  if (!status) return
  status.textContent = words
  status.classList.toggle('on', words === 'live')
}
