import type { Context } from 'hono'
import type { ConsoleEnv } from '../../auth/env.ts'
import { pathOf } from '../../paths.ts'
import { renderDocument } from './layout.tsx'

/** Renders the response to a navigation: a page without data, whose script requests the same URL with the proof. */
export const shell = (c: Context<ConsoleEnv>): Promise<Response> =>
  renderDocument(c, {
    title: 'Console',
    children: (
      <>
        <noscript>
          <main id="content">
            <p>The console needs JavaScript.</p>
          </main>
        </noscript>
        <script src={pathOf.asset('shell.js')} nonce={c.var.nonce} />
      </>
    ),
  })
