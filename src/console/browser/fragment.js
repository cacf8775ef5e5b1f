// The only place that parses HTML. Its input is always HTML that the gate has rendered.
/** @typedef {{ createHTML(text: string): string }} Policy */
/** @type {{ createPolicy(name: string, policy: Policy): Policy } | undefined} */
const trustedTypes = Reflect.get(globalThis, 'trustedTypes')
const policy = trustedTypes?.createPolicy('git-gate', { createHTML: text => text })

/**
 * Parses HTML into a document, whose scripts do not run.
 * @param {string} html
 * @returns {Document}
 */
export function parse(html) {
  return new DOMParser().parseFromString(policy?.createHTML(html) ?? html, 'text/html')
}
