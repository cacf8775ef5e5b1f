import type { Context } from 'hono'
import type { Problem } from '../../api/problem.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { UntrustedText } from '../components/untrusted-text.tsx'
import { pathOf } from '../paths.ts'
import { Form, renderDocument } from './frame/layout.tsx'

/** Renders a 403, with the repositories in which the operator has a role. */
export const forbiddenPage = (c: Context<ConsoleEnv>, problem: Problem) =>
  renderDocument(c, {
    title: 'Not allowed',
    status: 403,
    children: (
      <main id="content" class="sign-in">
        <h1>Your role does not allow this</h1>
        <p>
          <UntrustedText text={problem.message} />
        </p>
        <p>{problem.fix}</p>
        <ul>
          {c.var.operator.roles.flatMap(({ role, repository }) =>
            repository === null ? (
              []
            ) : (
              <li>
                <a href={`${pathOf.pushes}?${new URLSearchParams({ repository })}`}>
                  <UntrustedText text={repository} />
                </a>
                , {role}
              </li>
            ),
          )}
        </ul>
        <Form c={c} action={pathOf.signOut}>
          <button type="submit">Sign out</button>
        </Form>
      </main>
    ),
  })
