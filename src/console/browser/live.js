// Keeps a page as the ledger is: a list of pushes, or one push while it goes on.
import { readEvents } from './event-stream.js'
import { parse } from './fragment.js'
import { proof } from './proof.js'
import { tellTimes } from './times.js'

const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 30_000

const live = document.querySelector('[data-live]')
if (live instanceof HTMLElement) watch(live)

/**
 * Has a stream of what happens while the page is seen: over HTTP/1.1 a browser has six connections to a gate, for all
 * the pages that are open.
 * @param {HTMLElement} region
 */
function watch(region) {
  /** @type {AbortController | undefined} */
  let stream
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let retry
  let wait = FIRST_WAIT_MS
  const over = new AbortController()
  const close = () => {
    clearTimeout(retry)
    stream?.abort()
  }
  const open = () => {
    close()
    if (document.hidden) return
    stream = new AbortController()
    const { signal } = stream
    const opened = () => {
      wait = FIRST_WAIT_MS
      say('live')
    }
    const lost = () => {
      if (signal.aborted) return
      say('the connection is lost; trying again')
      retry = setTimeout(open, wait)
      wait = Math.min(wait * 2, LONGEST_WAIT_MS)
    }
    void readEvents(addressOf(region), { headers: proof(), signal, opened, on }).then(lost, lost)
  }
  /** @type {Record<string, (data: any) => void>} */
  const then = {
    push: ({ id, html }) => putLine(region, id, html),
    gone: ({ id, says }) => takeLine(id, says),
    page: ({ html, says }) => putPage(html, says),
    again: open,
    behind: () => location.reload(),
    over: () => end(''),
    'signed-out': () => end('You are signed out. ', signInAgain()),
  }
  const on = (/** @type {string} */ event, /** @type {string} */ data) =>
    then[event]?.(data && JSON.parse(data))
  const end = (/** @type {(string | Node)[]} */ ...words) => {
    over.abort()
    close()
    say(...words)
  }
  document.addEventListener('visibilitychange', open, { signal: over.signal })
  open()
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
  tellTimes(line)
  const old = document.getElementById(`push-${id}`)
  if (old) {
    old.classList.remove('changed')
    tellTimes(old)
    if (old.isEqualNode(line)) return
    const focused = old.contains(document.activeElement)
    old.replaceWith(line)
    if (focused) line.querySelector('a')?.focus()
  } else {
    const before = [...list.children].find(each => each.id < line.id)
    list.insertBefore(line, before ?? null)
  }
  line.classList.add('changed')
  if (old?.dataset.says !== line.dataset.says) announce(line.dataset.says ?? '')
}

/**
 * @param {string} id
 * @param {string} says
 */
function takeLine(id, says) {
  const line = document.getElementById(`push-${id}`)
  if (!line) return
  const next = line.nextElementSibling ?? line.previousElementSibling
  const focused = line.contains(document.activeElement)
  line.remove()
  if (focused) next?.querySelector('a')?.focus()
  announce(says)
}

/**
 * The parts of the page of a push, each in the place of the one with its id.
 * @param {string} html
 * @param {string} says
 */
function putPage(html, says) {
  for (const part of parse(html).body.children) {
    const old = document.getElementById(part.id)
    if (old) replaceKeepingFocus(old, part)
  }
  if (document.getElementById('announce')?.textContent !== says) announce(says)
}

/**
 * @param {HTMLElement} region
 * @param {Element} fresh
 */
function replaceKeepingFocus(region, fresh) {
  const focused = document.activeElement
  const place =
    focused && region.contains(focused) ? [...region.querySelectorAll('a, button, pre')].indexOf(focused) : -1
  region.replaceChildren(...fresh.childNodes)
  const again = place < 0 ? undefined : [...region.querySelectorAll('a, button, pre')][place]
  if (again instanceof HTMLElement) again.focus()
}

/**
 * What a screen reader is to hear.
 * @param {string} words
 */
function announce(words) {
  const status = document.getElementById('announce')
  if (status) status.textContent = words
}

/**
 * How it is with the stream.
 * @param {(string | Node)[]} words
 */
function say(...words) {
  const status = document.getElementById('live')
  if (!status || status.textContent === words[0]) return
  status.replaceChildren(...words)
  status.classList.toggle('on', words[0] === 'live')
}

/** A link to this page, which asks to sign in and comes back. */
function signInAgain() {
  const link = document.createElement('a')
  link.href = location.pathname + location.search
  link.textContent = 'Sign in again'
  return link
}
