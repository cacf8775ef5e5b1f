// Updates the list of pushes, or the page of an open push, from server-sent events.
import { readEvents } from './event-stream.js'
import { parse } from './fragment.js'
import { proof } from './proof.js'
import { updateTimes } from './times.js'

const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 30_000

const region = document.querySelector('[data-live]')
if (region instanceof HTMLElement) watch(region)

/**
 * Keeps an event stream open while the page is visible. Over HTTP/1.1 a browser has only six connections to a gate,
 * which all open pages share.
 * @param {HTMLElement} region
 */
function watch(region) {
  /** @type {AbortController | undefined} */
  let stream
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let retryTimer
  let retryMs = FIRST_RETRY_MS
  const ended = new AbortController()
  const close = () => {
    clearTimeout(retryTimer)
    stream?.abort()
  }
  const open = () => {
    close()
    if (document.hidden) return
    stream = new AbortController()
    const { signal } = stream
    const opened = () => {
      retryMs = FIRST_RETRY_MS
      showConnection('live')
    }
    const lost = () => {
      if (signal.aborted) return
      showConnection('connection lost, retrying')
      retryTimer = setTimeout(open, retryMs)
      retryMs = Math.min(retryMs * 2, MAX_RETRY_MS)
    }
    void readEvents(streamUrl(region), { headers: proof(), signal, opened, on }).then(lost, lost)
  }
  /** @type {Record<string, (data: any) => void>} */
  const handlers = {
    push: ({ id, html }) => putPush(region, id, html),
    remove: ({ id, text }) => removePush(id, text),
    page: ({ html, text }) => replaceParts(html, text),
    reconnect: open,
    reload: () => location.reload(),
    end: () => end(''),
    'signed-out': () => end('You are signed out. ', signInLink()),
  }
  const on = (/** @type {string} */ event, /** @type {string} */ data) =>
    handlers[event]?.(data && JSON.parse(data))
  const end = (/** @type {(string | Node)[]} */ ...content) => {
    ended.abort()
    close()
    showConnection(...content)
  }
  document.addEventListener('visibilitychange', open, { signal: ended.signal })
  open()
}

/**
 * Returns the URL of the stream, which names the newest push of the list and all open pushes on the page.
 * @param {HTMLElement} region
 */
function streamUrl(region) {
  const url = new URL(region.dataset.live ?? '', location.href)
  if (region.id !== 'pushes') return url
  url.searchParams.set('newest', region.firstElementChild?.id.slice('push-'.length) ?? '')
  const open = [...document.querySelectorAll('.pushes > [data-outcome="open"]')]
  url.searchParams.set('open', open.map(item => item.id.slice('push-'.length)).join(','))
  return url
}

/**
 * Replaces the item of a push, or inserts it by its id; ids sort by time, and the list has the newest push first.
 * @param {HTMLElement} list
 * @param {string} id
 * @param {string} html
 */
function putPush(list, id, html) {
  const item = parse(html).body.firstElementChild
  if (!(item instanceof HTMLElement)) return
  updateTimes(item)
  const old = document.getElementById(`push-${id}`)
  if (old) {
    old.classList.remove('changed')
    updateTimes(old)
    if (old.isEqualNode(item)) return
    const hadFocus = old.contains(document.activeElement)
    old.replaceWith(item)
    if (hadFocus) item.querySelector('a')?.focus()
  } else {
    const next = [...list.children].find(other => other.id < item.id)
    list.insertBefore(item, next ?? null)
  }
  item.classList.add('changed')
  if (old?.dataset.status !== item.dataset.status) announce(item.dataset.status ?? '')
}

/**
 * @param {string} id
 * @param {string} text
 */
function removePush(id, text) {
  const item = document.getElementById(`push-${id}`)
  if (!item) return
  const neighbour = item.nextElementSibling ?? item.previousElementSibling
  const hadFocus = item.contains(document.activeElement)
  item.remove()
  if (hadFocus) neighbour?.querySelector('a')?.focus()
  announce(text)
}

/**
 * Replaces the elements of the page that have the same ids as those in `html`.
 * @param {string} html
 * @param {string} text
 */
function replaceParts(html, text) {
  for (const part of parse(html).body.children) {
    const old = document.getElementById(part.id)
    if (old) replaceKeepingFocus(old, part)
  }
  if (document.getElementById('announce')?.textContent !== text) announce(text)
}

/**
 * @param {HTMLElement} region
 * @param {Element} replacement
 */
function replaceKeepingFocus(region, replacement) {
  const focused = document.activeElement
  const index =
    focused && region.contains(focused) ? [...region.querySelectorAll('a, button, pre')].indexOf(focused) : -1
  region.replaceChildren(...replacement.childNodes)
  const target = index < 0 ? undefined : [...region.querySelectorAll('a, button, pre')][index]
  if (target instanceof HTMLElement) target.focus()
}

/**
 * Announces a change to screen readers.
 * @param {string} text
 */
function announce(text) {
  const status = document.getElementById('announce')
  if (status) status.textContent = text
}

/**
 * Shows the state of the connection.
 * @param {(string | Node)[]} content
 */
function showConnection(...content) {
  const status = document.getElementById('live')
  if (!status || status.textContent === content[0]) return
  status.replaceChildren(...content)
  status.classList.toggle('connected', content[0] === 'live')
}

/** Returns a link to this page; the server redirects it to the sign-in, and back. */
function signInLink() {
  const link = document.createElement('a')
  link.href = location.pathname + location.search
  link.textContent = 'Sign in again'
  return link
}
