// Asks for the page at this address with the proof that a navigation cannot carry, and puts it in. It is done while the
// document is parsed, and the request is synchronous, so that for the browser the page came whole: focus, the place
// that was scrolled to, the title and the scripts of the page are as they would be.
{
  const request = new XMLHttpRequest()
  request.open('GET', location.href, false)
  // The name that proof.js keeps it under; this script is none of its modules, since those run later.
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
    // It is only ever given what this gate's own pages render.
    const policy = trustedTypes?.createPolicy('git-gate-shell', {
      createHTML: (/** @type {string} */ text) => text,
    })
    const html = request.responseText
    const page = new DOMParser().parseFromString(policy?.createHTML(html) ?? html, 'text/html')
    document.title = page.title
    document.body.replaceChildren(...page.body.childNodes)
  }
}
