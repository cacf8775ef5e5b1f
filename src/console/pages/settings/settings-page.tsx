import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import { mayOpen } from '../../auth/authorize.tsx'
import type { ConsoleEnv } from '../../auth/env.ts'
import type { ApiProblem } from '../../forms/call-api.ts'
import { SETTINGS_PAGES, type SettingsPage } from '../../navigation.ts'
import { renderPage } from '../frame/layout.tsx'

/** Renders a page of the section Settings, with links to the section's other pages. */
export const settingsPage = (
  c: Context<ConsoleEnv>,
  { title, problem, children }: { title: SettingsPage; problem?: ApiProblem | undefined; children: Child },
): Promise<Response> =>
  renderPage(c, {
    title,
    section: 'Settings',
    status: problem ? 400 : 200,
    children: (
      <>
        <div class="page-header">
          <h1>{title}</h1>
          <nav class="subpages" aria-label="Settings">
            {SETTINGS_PAGES.filter(({ path }) => mayOpen(c, path)).map(({ name, path }) => (
              <a href={path} {...(name === title ? { 'aria-current': 'page' as const } : {})}>
                {name}
              </a>
            ))}
          </nav>
        </div>
        {children}
      </>
    ),
  })
