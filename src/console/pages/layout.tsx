import type { Context } from 'hono'
import { html } from 'hono/html'
import type { Child } from 'hono/jsx'
import { logFault } from '../../common/log.ts'
import { countWaiting } from '../../ledger/findings/pending-findings.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { FORM_KEY } from '../auth/session.ts'
import type { Refused } from '../forms/call-api.ts'
import { pathOf } from '../paths.ts'

const ROOMS = [
  ['Pushes', pathOf.pushes],
  ['Waiting for you', pathOf.waiting],
  ['Repositories', pathOf.repositories],
  ['Agents', pathOf.agents],
  ['Overview', pathOf.overview],
] as const

type Status = 200 | 400 | 403 | 404 | 409 | 500 | 502

interface Content {
  readonly title: string
  readonly children: Child
  readonly status?: Status
  /** The room that the page belongs to, marked in the navigation. */
  readonly room?: (typeof ROOMS)[number][0]
}

/** Answers with a page of the console, for someone who is signed in. */
export async function page(c: Context<ConsoleEnv>, { title, children, room, status = 200 }: Content) {
  const waiting = await countWaiting(c.env.LEDGER)
  const here = (name: string) => (name === room ? { 'aria-current': 'page' as const } : {})
  return bare(c, {
    title,
    status,
    children: (
      <>
        <a class="skip" href="#content">
          Skip to the content
        </a>
        <header>
          <a class="brand" href={pathOf.pushes}>
            <Gate /> git-gate
          </a>
          <nav aria-label="Console">
            {ROOMS.map(([name, path]) => (
              <a href={path} {...here(name)}>
                {name.split(' ')[0]}
                <span class="spare">{name.replace(/^\S+/, '')}</span>
                {name === 'Waiting for you' && waiting > 0 && (
                  <span class="count">
                    {waiting > 99 ? '99+' : waiting}
                    <span class="unseen"> waiting</span>
                  </span>
                )}
              </a>
            ))}
          </nav>
          <Form c={c} action={pathOf.signOut} class="who">
            <span class="quiet" title="signed in as">
              {c.var.operator.name}
            </span>
            <button type="submit" class="plain">
              Sign out
            </button>
          </Form>
        </header>
        <main id="content" tabindex={-1}>
          {children}
        </main>
      </>
    ),
  })
}

/** A page without the console around it. */
export async function bare(
  c: Context<ConsoleEnv>,
  { title, children, status = 200 }: Omit<Content, 'room'>,
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

/** A form that only this person's own pages can send. */
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
    <input type="hidden" name={FORM_KEY} value={c.var.formKey} />
    {children}
  </form>
)

/** What was refused, and what to do about it, above the form that it is about. */
export const Complaint = ({ refused }: { refused: Refused | undefined }) =>
  refused ? (
    <div class="complaint" role="alert">
      <p>
        <strong>{refused.message}</strong>
      </p>
      {refused.fix && <pre>{refused.fix}</pre>}
    </div>
  ) : null

/** What a page says where it has nothing to show yet. */
export const Nothing = ({ title, children }: { title: string; children: Child }) => (
  <div class="nothing">
    <p class="lead">{title}</p>
    {children}
  </div>
)

export const notThere = (c: Context<ConsoleEnv>, what: string, back: string, room: Content['room']) =>
  page(c, {
    title: 'Not there',
    status: 404,
    ...(room ? { room } : {}),
    children: (
      <>
        <h1>There is no {what}</h1>
        <p>
          It may have been removed. <a href={back}>See what there is</a>.
        </p>
      </>
    ),
  })

/** What the gate could not do. The ledger may be what failed, so nothing is asked of it. */
export function failed(error: Error, c: Context<ConsoleEnv>) {
  logFault({ at: c.req.path }, error)
  return bare(c, {
    title: 'Failed',
    status: 500,
    children: (
      <main id="content">
        <h1>The gate failed on this page</h1>
        <p>
          Open it again, or <a href={pathOf.pushes}>see the pushes</a>. If it stays so, the Worker’s log has
          the cause.
        </p>
      </main>
    ),
  })
}

const Gate = () => (
  <svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true" class="gate">
    <path d="M2.5 14V5.5a5.5 5.5 0 0 1 11 0V14M6.2 14V7M9.8 14V7M2.5 10h11" />
  </svg>
)
