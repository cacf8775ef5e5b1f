import type { Context } from 'hono'
import type { ConsoleEnv } from '../auth/env.ts'
import { pathOf } from '../paths.ts'
import { bare } from './layout.tsx'

/** What a navigation gets: a page without any data, whose script asks for the page at this address with the proof. */
export const shell = (c: Context<ConsoleEnv>): Promise<Response> =>
  bare(c, {
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
