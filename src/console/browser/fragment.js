// The one place where text becomes elements. It is only ever given what this gate's own pages render.
/** @typedef {{ createHTML(text: string): string }} Policy */
/** @type {{ createPolicy(name: string, policy: Policy): Policy } | undefined} */
const trustedTypes = Reflect.get(globalThis, 'trustedTypes')
const policy = trustedTypes?.createPolicy('git-gate', { createHTML: text => text })

/**
 * The elements in a page's markup; scripts in it would not run.
 * @param {string} html
 * @returns {Document}
 */
export function parse(html) {
  return new DOMParser().parseFromString(policy?.createHTML(html) ?? html, 'text/html')
}
