import type { Context } from 'hono'
import { html } from 'hono/html'
import type { Child } from 'hono/jsx'
import { lateResponse } from '../../../common/limit-body-time.ts'
import { logError } from '../../../common/log.ts'
import { hasRole } from '../../../contract/role.ts'
import { countWaiting } from '../../../ledger/approvals/approvals.ts'
import { countPending } from '../../../ledger/findings/pending-findings.ts'
import type { ConsoleEnv } from '../../auth/env.ts'
import { CSRF_FIELD } from '../../auth/session.ts'
import type { ApiProblem } from '../../forms/call-api.ts'
import { SECTIONS, type Section } from '../../navigation.ts'
import { pathOf } from '../../paths.ts'
import { Shortcuts } from './shortcuts.tsx'

type Status = 200 | 400 | 403 | 404 | 409 | 500 | 502

interface Content {
  readonly title: string
  readonly children: Child
  readonly status?: Status
  /** The current entry of the navigation. */
  readonly section?: Section
}

/** Renders a page of the console for a signed-in operator. */
export async function renderPage(
  c: Context<ConsoleEnv>,
  { title, children, section, status = 200 }: Content,
) {
  const pending = await visiblePending(c)
  const currentEntry = (name: string) => (name === section ? { 'aria-current': 'page' as const } : {})
  return renderDocument(c, {
    title,
    status,
    children: (
      <>
        <a class="skip" href="#content">
          Skip to the content
        </a>
        <header>
          <a class="brand" href={pathOf.pushes}>
            <GateIcon /> git-gate
          </a>
          <nav aria-label="Console">
            {SECTIONS.map(({ name, path, key }) => (
              <a href={path} data-key={key} {...currentEntry(name)}>
                {name.split(' ')[0]}
                <span class="wide-only">{name.replace(/^\S+/, '')}</span>
                {name === 'Pending findings' && pending > 0 && (
                  <span class="count">
                    {pending > 99 ? '99+' : pending}
                    <span class="visually-hidden"> pending</span>
                  </span>
                )}
              </a>
            ))}
          </nav>
          <Form c={c} action={pathOf.signOut} class="account">
            <button type="button" class="link-button" popovertarget="shortcuts">
              <span aria-hidden="true">?</span>
              <span class="visually-hidden">Keyboard shortcuts</span>
            </button>
            <span class="muted" title="signed in as">
              {c.var.operator.name}
            </span>
            <button type="submit" class="link-button">
              Sign out
            </button>
          </Form>
        </header>
        <main id="content" tabindex={-1}>
          {children}
        </main>
        <Shortcuts />
      </>
    ),
  })
}

/** Returns the number of pending findings and waiting pushes in the operator's repositories. */
async function visiblePending(c: Context<ConsoleEnv>): Promise<number> {
  const { roles } = c.var.operator
  const count = async (repository?: string) =>
    (await countPending(c.env.LEDGER, repository)) + (await countWaiting(c.env.LEDGER, { repository }))
  if (hasRole(roles, 'viewer', 'gate')) return count()
  const own = new Set(roles.flatMap(({ repository }) => repository ?? []))
  const counts = await Promise.all([...own].map(count))
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Renders an HTML document without the console's header. */
export async function renderDocument(
  c: Context<ConsoleEnv>,
  { title, children, status = 200 }: Omit<Content, 'section'>,
): Promise<Response> {
  const { nonce } = c.var
  const document = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>{`${title} – git-gate`}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href={pathOf.asset('icon.svg')} type="image/svg+xml" />
        <link rel="stylesheet" href={pathOf.asset('style.css')} nonce={nonce} />
        <script type="module" src={pathOf.asset('console.js')} nonce={nonce} />
      </head>
      <body>{children}</body>
    </html>
  )
  return c.html(html`<!doctype html>${document}`, status)
}

/** A POST form with the operator's CSRF token. */
export const Form = ({
  c,
  children,
  ...rest
}: {
  c: Context<ConsoleEnv>
  action: string
  class?: string
  children: Child
}) => (
  <form method="post" {...rest}>
    <input type="hidden" name={CSRF_FIELD} value={c.var.csrfToken} />
    {children}
  </form>
)

/** The problem of a rejected request with its fix, above the form of the request. */
export const ErrorMessage = ({ problem }: { problem: ApiProblem | undefined }) =>
  problem ? (
    <div class="error-message" role="alert">
      <p>
        <strong>{problem.message}</strong>
      </p>
      {problem.fix && <pre>{problem.fix}</pre>}
    </div>
  ) : null

/** Replaces an empty list. */
export const EmptyState = ({ title, children }: { title: string; children: Child }) => (
  <div class="empty-state">
    <p class="empty-title">{title}</p>
    {children}
  </div>
)

/** Renders a 404 that links to the list of resources. */
export const notFoundPage = (
  c: Context<ConsoleEnv>,
  resource: string,
  listPath: string,
  section: Content['section'],
) =>
  renderPage(c, {
    title: 'Not found',
    status: 404,
    ...(section ? { section } : {}),
    children: (
      <>
        <h1>There is no {resource}</h1>
        <p>
          It may have been removed. <a href={listPath}>See the list</a>.
        </p>
      </>
    ),
  })

/** Renders an unexpected error. It does not read the ledger, which may be the cause. */
export function errorPage(error: Error, c: Context<ConsoleEnv>) {
  const late = lateResponse(c)
  if (late) return late
  logError({ at: c.req.path }, error)
  return renderDocument(c, {
    title: 'Failed',
    status: 500,
    children: (
      <main id="content">
        <h1>The gate failed to render this page</h1>
        <p>
          Reload it, or <a href={pathOf.pushes}>see the pushes</a>. If it fails again, see the Worker’s log
          for the cause.
        </p>
      </main>
    ),
  })
}

const GateIcon = () => (
  <svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true" class="gate">
    <path d="M2.5 14V5.5a5.5 5.5 0 0 1 11 0V14M6.2 14V7M9.8 14V7M2.5 10h11" />
  </svg>
)
