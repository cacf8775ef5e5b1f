import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import type { ConsoleEnv } from '../auth/env.ts'
import { Complaint, Form } from '../pages/layout.tsx'
import type { Refused } from './call-api.ts'

interface Props {
  readonly c: Context<ConsoleEnv>
  /** What it is for, in sight also while it is folded. */
  readonly summary: string
  readonly action: string
  /** What its button says. */
  readonly button: string
  /** In sight from the start? One that was refused is. */
  readonly open?: boolean
  readonly refused?: Refused | undefined
  readonly children: Child
}

/** A form that is out of the way until it is wanted. */
export const FoldedForm = ({ c, summary, action, button, open = false, refused, children }: Props) => (
  <details class="add" open={open || refused !== undefined}>
    <summary>{summary}</summary>
    <Complaint refused={refused} />
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
