// The proof of a session: a random text in the local storage of this origin, which pages of other ports
// cannot read.
const ITEM = 'git-gate-proof'

/** Returns the header that authenticates a request together with the session cookie. */
export const proof = () => ({ 'x-git-gate-proof': localStorage.getItem(ITEM) ?? '' })

const field = document.getElementById('proof')
if (field instanceof HTMLInputElement) {
  const held = localStorage.getItem(ITEM) ?? newProof()
  localStorage.setItem(ITEM, held)
  field.value = held
}

// Signing out deletes the proof, so that a copy of the cookie is useless.
document.addEventListener('submit', ({ target }) => {
  if (target instanceof HTMLFormElement && target.getAttribute('action') === '/-/console/sign-out')
    localStorage.removeItem(ITEM)
})

function newProof() {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
