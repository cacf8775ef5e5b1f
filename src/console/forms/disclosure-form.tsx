import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import type { ConsoleEnv } from '../auth/env.ts'
import { ErrorMessage, Form } from '../pages/frame/layout.tsx'
import type { ApiProblem } from './call-api.ts'

interface Props {
  readonly c: Context<ConsoleEnv>
  /** The text that is visible while the form is closed. */
  readonly summary: string
  readonly action: string
  /** The label of the submit button. */
  readonly button: string
  /** Open from the start; a form with a problem always is. */
  readonly open?: boolean
  readonly problem?: ApiProblem | undefined
  readonly children: Child
}

/** A form that opens when its summary is clicked. */
export const DisclosureForm = ({ c, summary, action, button, open = false, problem, children }: Props) => (
  <details class="disclosure" open={open || problem !== undefined}>
    <summary>{summary}</summary>
    <ErrorMessage problem={problem} />
    <Form c={c} action={action} class="fields">
      {children}
      <span class="actions">
        <button type="submit" class="primary">
          {button}
        </button>
      </span>
    </Form>
  </details>
)
