import type { Context } from 'hono'
import { html } from 'hono/html'
import { ASSERTION_HEADER } from '../../auth/cloudflare-access.ts'
import { recordAuthFailure } from '../../auth/rate-limit.ts'
import { settingsOf } from '../../common/settings.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { beginOidc, finishOidc } from '../auth/oidc-sign-in.ts'
import { currentOperator, signIn, signOut } from '../auth/session.ts'
import { isOwnPath, pathOf } from '../paths.ts'
import { renderDocument } from './frame/layout.tsx'

/** `GET /sign-in` */
export async function showSignIn(c: Context<ConsoleEnv>): Promise<Response> {
  const to = ownPath(c.req.query('to'))
  if (await currentOperator(c)) return c.redirect(to, 303)
  return signInPage(c, to)
}

/** `POST /sign-in` */
export async function handleSignIn(c: Context<ConsoleEnv>): Promise<Response> {
  const form = await c.req.parseBody()
  const to = ownPath(form.to)
  const token = typeof form.token === 'string' ? form.token.trim() : ''
  const result = await signIn(c, token, form.proof)
  if (result.ok) return c.redirect(to, 303)
  if (result.reason === 'no-proof') return signInPage(c, to, NO_SCRIPT)
  const tooOften = await recordAuthFailure(c.env, c.req.raw)
  if (tooOften) return tooOften
  return signInPage(c, to, NO_TOKEN)
}

/** `POST /sign-in/oidc` */
export async function startIssuerSignIn(c: Context<ConsoleEnv>): Promise<Response> {
  const form = await c.req.parseBody()
  const to = ownPath(form.to)
  const result = await beginOidc(c, form.proof, to)
  if (!result.ok) return signInPage(c, to, NOT_STARTED[result.reason])
  // A redirect would be a target of the form, and the content security policy allows only this origin there.
  return c.html(
    html`<!doctype html><html lang="en"><meta charset="utf-8" /><title>Sign in</title><meta http-equiv="refresh" content="0; url=${result.url}" /><a href="${result.url}">Sign in</a></html>`,
  )
}

/** `GET /sign-in/callback` */
export async function finishIssuerSignIn(c: Context<ConsoleEnv>): Promise<Response> {
  const finished = await finishOidc(c)
  if (finished.ok) return c.redirect(ownPath(finished.to), 303)
  const tooOften = await recordAuthFailure(c.env, c.req.raw)
  return tooOften ?? signInPage(c, pathOf.pushes, `The sign-in failed: ${finished.reason}. Sign in again.`)
}

/** Where Access ends a sign-in of its own, on every host that it stands before. */
const ACCESS_SIGN_OUT = '/cdn-cgi/access/logout'

/** `POST /sign-out` */
export function handleSignOut(c: Context<ConsoleEnv>): Response {
  signOut(c)
  return c.redirect(c.req.header(ASSERTION_HEADER) ? ACCESS_SIGN_OUT : pathOf.signIn, 303)
}

/** Only ever back into the console. */
const ownPath = (to: unknown): string => (typeof to === 'string' && isOwnPath(to) ? to : pathOf.pushes)

const NO_TOKEN = 'The admin token is unknown, revoked or expired.'
const NO_SCRIPT =
  'The page could not run its script. Allow scripts and local storage for it, then sign in again.'

const NOT_STARTED = {
  'no-provider': 'Sign-in by OpenID Connect is off: GATE_OIDC_ISSUER is not set.',
  'no-proof': NO_SCRIPT,
  unreachable: 'The issuer could not be reached. Try again; the Worker’s log has the cause.',
} as const

function signInPage(c: Context<ConsoleEnv>, to: string, problem?: string): Promise<Response> {
  const { GATE_OIDC_ISSUER: issuer } = settingsOf(c.env)
  return renderDocument(c, {
    title: 'Sign in',
    status: problem ? 403 : 200,
    children: (
      <main id="content" class="sign-in">
        <h1>git-gate</h1>
        <p>See what agents push, and decide.</p>
        <form method="post" action={pathOf.signIn}>
          <input type="hidden" name="to" value={to} />
          <input type="hidden" name="proof" id="proof" />
          <label for="token">Admin token</label>
          <input
            id="token"
            name="token"
            type="password"
            required
            autofocus
            autocomplete="current-password"
            spellcheck={false}
            {...(problem ? { 'aria-invalid': 'true', 'aria-describedby': 'wrong' } : {})}
          />
          {problem && (
            <p id="wrong" class="wrong" role="alert">
              {problem}
            </p>
          )}
          <button type="submit" class="primary">
            Sign in
          </button>
          {issuer && (
            <button type="submit" formaction={pathOf.oidcSignIn} formnovalidate>
              Sign in with {new URL(issuer).host}
            </button>
          )}
        </form>
        <noscript>
          <p class="wrong">The console needs JavaScript.</p>
        </noscript>
        <details>
          <summary>Where do I find it?</summary>
          <p>
            On the machine that runs <code>npm start</code> it is in <code>.git-gate/admin.json</code>.
            Elsewhere it is the secret <code>GATE_ADMIN_TOKEN</code> of the Worker, or a token that another
            operator made.
          </p>
        </details>
      </main>
    ),
  })
}
