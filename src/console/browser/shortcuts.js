// Shortcuts of the keyboard. The help lists them, and can turn them off (WCAG 2.1.4).
const ITEM = 'git-gate-shortcuts'
/** A second key counts for this long after `g`, in milliseconds. */
const SEQUENCE_MS = 1_500
/** The entries of the lists through which `j` and `k` step. */
const ENTRIES =
  '.pushes .title, .resources .title, .approvals .push-link a, .findings-table .entry, .commits a'

const help = document.getElementById('shortcuts')
const box = document.getElementById('shortcuts-on')
let pressedG = Number.NEGATIVE_INFINITY

if (help && box instanceof HTMLInputElement) {
  box.checked = localStorage.getItem(ITEM) !== 'off'
  box.addEventListener('change', () => localStorage.setItem(ITEM, box.checked ? 'on' : 'off'))
  document.addEventListener('keydown', event => {
    if (!box.checked || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
    if (event.key === 'Escape' || help.matches(':popover-open')) return
    const isSecond = event.timeStamp - pressedG < SEQUENCE_MS
    pressedG = event.key === 'g' && !isSecond ? event.timeStamp : Number.NEGATIVE_INFINITY
    if (isSecond ? follow(event.key) : act(event.key)) event.preventDefault()
  })
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  if (target instanceof HTMLInputElement) return !['checkbox', 'radio', 'submit'].includes(target.type)
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
}

/**
 * Opens the section of the navigation with this key.
 * @param {string} key
 */
function follow(key) {
  const link = [...document.querySelectorAll('header nav a')].find(
    each => each instanceof HTMLElement && each.dataset.key === key,
  )
  if (link instanceof HTMLElement) link.click()
  return link !== undefined
}

/** @param {string} key */
function act(key) {
  if (key === '?') help?.showPopover()
  else if (key === 'j') step(1)
  else if (key === 'k') step(-1)
  else if (key === 'x') toggle()
  else if (key === '/') return search()
  else return false
  return true
}

/** @param {1 | -1} by */
function step(by) {
  const entries = [...document.querySelectorAll(ENTRIES)].filter(each => each instanceof HTMLElement)
  const focused = entries.findIndex(
    each => each === document.activeElement || each.closest('li, tr')?.contains(document.activeElement),
  )
  const next = focused < 0 ? (by === 1 ? 0 : entries.length - 1) : focused + by
  entries[next]?.focus()
}

/** Selects the finding of the focused row. */
function toggle() {
  const select = document.activeElement?.closest('tr')?.querySelector('input[type="checkbox"]')
  if (select instanceof HTMLElement) select.click()
}

/** Moves the focus to the search; on other pages, opens the pushes. */
function search() {
  const field = document.getElementById('search')
  if (field) field.focus()
  else follow('p')
  return true
}
