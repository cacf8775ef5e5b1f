// The half of a session that is in no cookie: a random text in the storage of this origin, which no other port has.
const ITEM = 'git-gate-proof'

/** The headers of a request for what only someone who is signed in may see. */
export const proof = () => ({ 'x-git-gate-proof': localStorage.getItem(ITEM) ?? '' })

const field = document.getElementById('proof')
if (field instanceof HTMLInputElement) {
  const held = localStorage.getItem(ITEM) ?? newProof()
  localStorage.setItem(ITEM, held)
  field.value = held
}

// What is left of the session then, a copy of its cookie, opens nothing.
document.addEventListener('submit', ({ target }) => {
  if (target instanceof HTMLFormElement && target.getAttribute('action') === '/-/console/sign-out')
    localStorage.removeItem(ITEM)
})

function newProof() {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
