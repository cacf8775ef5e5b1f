import { bodyLimit } from 'hono/body-limit'
import { createMiddleware } from 'hono/factory'
import { settingsOf } from '../../common/settings.ts'
import { shell } from '../pages/frame/shell.tsx'
import { isOwnPath, pathOf } from '../paths.ts'
import type { ConsoleEnv } from './env.ts'
import { CSRF_FIELD, csrfToken, currentOperator, hasCookie, operatorOfForm, PROOF_HEADER } from './session.ts'

/** The limit of a form's body, in bytes. */
const MAX_FORM_BYTES = 256 << 10

/**
 * Sets the security headers of every console response. The content security policy allows only scripts and
 * styles with the response's nonce, no other host and no frames. Trusted types allow HTML only from the
 * policies of browser/fragment.js and browser/shell.js.
 */
export const securityHeaders = createMiddleware<ConsoleEnv>(async (c, next) => {
  const nonce = crypto.getRandomValues(new Uint8Array(16)).toBase64()
  c.set('nonce', nonce)
  await next()
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types git-gate git-gate-shell',
  ]
  c.header('content-security-policy', policy.join('; '))
  c.header('x-content-type-options', 'nosniff')
  // With no-referrer, browsers would send forms with "Origin: null".
  c.header('referrer-policy', 'same-origin')
  c.header('cross-origin-opener-policy', 'same-origin')
  c.header('cross-origin-resource-policy', 'same-origin')
  // Other ports of this host are same-site, and a browser could run their pages in the console's process.
  c.header('origin-agent-cluster', '?1')
  c.header('permissions-policy', 'camera=(), microphone=(), geolocation=(), interest-cohort=()')
  if (!c.res.headers.has('cache-control')) c.header('cache-control', 'no-store')
})

/**
 * Redirects a browser to the console's own host name. Cookies of that name do not reach other servers at the
 * gate's IP address.
 */
export const onOwnHost = createMiddleware<ConsoleEnv>(async (c, next) => {
  const own = settingsOf(c.env).GATE_CONSOLE_HOST
  const url = new URL(c.req.url)
  if (own === undefined || url.hostname === own || !isNavigation(c.req.raw)) return next()
  url.hostname = own
  return c.redirect(url.href, 302)
})

const isNavigation = ({ method, headers }: Request) =>
  method === 'GET' && headers.get('sec-fetch-mode') === 'navigate'

/**
 * Accepts forms from the console's own pages only (Sec-Fetch-Site, Origin). SameSite cookies are a second
 * barrier.
 */
export const requireSameOrigin = createMiddleware<ConsoleEnv>(async (c, next) => {
  if (c.req.method === 'GET' || c.req.method === 'HEAD') return next()
  const site = c.req.header('sec-fetch-site')
  const origin = c.req.header('origin')
  const ownHost = new URL(c.req.url).host
  const elsewhere =
    (site !== undefined && site !== 'same-origin') ||
    (origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== ownHost)) ||
    (site === undefined && origin === undefined)
  if (elsewhere)
    return c.text('This form was not sent from the console. Reload the page, and submit it again.', 403)
  // Multipart fields could be files; url-encoded fields are always text.
  if (!/^application\/x-www-form-urlencoded(;|$)/i.test(c.req.header('content-type') ?? ''))
    return c.text('This is not a form of the console.', 415)
  return next()
})

/** Refuses a form that is too long. */
export const limitForm = bodyLimit({
  maxSize: MAX_FORM_BYTES,
  onError: c => c.text('This form is too long.', 413),
})

/**
 * Requires an operator. Redirects other browsers to the sign-in page, which returns them to the requested
 * page.
 */
export const requireOperator = createMiddleware<ConsoleEnv>(async (c, next) => {
  const isRead = c.req.method === 'GET' || c.req.method === 'HEAD'
  const session = isRead
    ? await currentOperator(c)
    : await operatorOfForm(c, (await c.req.parseBody())[CSRF_FIELD])
  if (session) {
    c.set('operator', session.operator)
    c.set('csrfToken', await csrfToken(c.env, session))
    return next()
  }
  const isKnown = await hasCookie(c)
  if (!isRead && (isKnown || (await currentOperator(c))))
    return c.text('This form is from another sign-in. Reload the page, and submit it again.', 403)
  // rateLimit counts a 401 as a failed authentication.
  if (/^Bearer /i.test(c.req.header('authorization') ?? ''))
    return c.text('The admin token is unknown, revoked or expired.', 401)
  if (!isRead) return toSignIn(pageOf(c.req.raw))
  // A navigation cannot carry the proof header. The shell's script requests the page again with it.
  if (isKnown && c.req.header(PROOF_HEADER) === undefined && !isEventStream(c.req.raw)) return shell(c)
  return askToSignIn(c.req.raw)
})

/** Redirects a URL with a trailing slash to the URL without it. */
export const trimTrailingSlash = createMiddleware<ConsoleEnv>(async (c, next) => {
  const { pathname, search } = new URL(c.req.url)
  if (!pathname.endsWith('/')) return next()
  let end = pathname.length
  while (pathname[end - 1] === '/') end--
  return c.redirect(pathname.slice(0, end) + search)
})

const isEventStream = ({ headers }: Request) => headers.get('accept') === 'text/event-stream'

function askToSignIn(request: Request): Response {
  const { pathname, search } = new URL(request.url)
  // live.js shows that the operator is signed out, and the page stays.
  if (isEventStream(request))
    return new Response('event: signed-out\ndata:\n\n', { headers: { 'content-type': 'text/event-stream' } })
  // Browsers send no strict cookie when a link on another site leads here, and operatorOf ignores Access's
  // JWT then. The refresh requests the page again from this site, where both count.
  const site = request.headers.get('sec-fetch-site')
  if (site === 'cross-site' || site === 'same-site')
    return new Response('<!doctype html><title>git-gate</title><meta http-equiv="refresh" content="0">', {
      headers: { 'content-type': 'text/html; charset=utf-8' },
    })
  return toSignIn(pathname + search)
}

/** Returns the path of the page with the form (Referer), or the form's own path without a referrer. */
function pageOf(request: Request): string {
  const { host, pathname } = new URL(request.url)
  const referer = request.headers.get('referer') ?? ''
  const from = URL.canParse(referer) ? new URL(referer) : undefined
  const page = from?.host === host ? from.pathname + from.search : ''
  return isOwnPath(page) ? page : pathname
}

const toSignIn = (to: string) =>
  new Response(null, {
    status: 303,
    headers: { location: `${pathOf.signIn}?${new URLSearchParams({ to })}` },
  })
