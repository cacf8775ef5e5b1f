// Requests this page again with the proof header, which a navigation cannot carry, and inserts the response.
// The request is synchronous while the document loads. The browser thus restores focus and scroll position,
// and runs the page's scripts, as after an ordinary load.
{
  const request = new XMLHttpRequest()
  request.open('GET', location.href, false)
  // The same item as in proof.js. This script cannot import it, since modules run after the document has
  // loaded.
  request.setRequestHeader('x-git-gate-proof', localStorage.getItem('git-gate-proof') ?? '')
  try {
    request.send()
    show()
  } catch {
    document.body.textContent = 'The gate did not answer. Open this page again.'
  }

  function show() {
    const { pathname, href } = new URL(request.responseURL)
    if (pathname === '/-/console/sign-in') return location.replace(href)
    if (href !== location.href.split('#')[0]) history.replaceState(null, '', href + location.hash)
    if (!request.getResponseHeader('content-type')?.startsWith('text/html')) {
      document.body.textContent = request.responseText
      return
    }
    /** @type {{ createPolicy(name: string, policy: object): { createHTML(text: string): string } } | undefined} */
    const trustedTypes = Reflect.get(globalThis, 'trustedTypes')
    // The policy's input is always HTML that the gate has rendered.
    const policy = trustedTypes?.createPolicy('git-gate-shell', {
      createHTML: (/** @type {string} */ text) => text,
    })
    const html = request.responseText
    const page = new DOMParser().parseFromString(policy?.createHTML(html) ?? html, 'text/html')
    document.title = page.title
    document.body.replaceChildren(...page.body.childNodes)
  }
}
