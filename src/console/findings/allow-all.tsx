import type { Context } from 'hono'
import type { ConsoleEnv } from '../auth/env.ts'
import type { ApiProblem } from '../forms/call-api.ts'
import { DisclosureForm } from '../forms/disclosure-form.tsx'
import { LineField } from '../forms/text-fields.tsx'
import { pathOf } from '../paths.ts'

/** An attempt to allow all findings that the API rejected, with the reason that was given. */
export interface FailedAllowAll {
  readonly reason: string
  readonly problem: ApiProblem
}

const REASON = 'allow-all-reason'

/** The path of the form, which opens with its reason in focus. */
export const pathOfAllowAll = (push: string): string => `${pathOf.push(push)}#${REASON}`

/** The form that allows every finding of a push at once, as for the first import of a history. */
export const AllowAll = ({
  c,
  push,
  waiting,
  failed,
}: {
  c: Context<ConsoleEnv>
  push: string
  /** The number of findings that wait for a decision, 2 or more. */
  waiting: number
  failed: FailedAllowAll | undefined
}) => (
  <DisclosureForm
    c={c}
    summary={`Allow all ${waiting} findings of this push`}
    action={`${pathOf.push(push)}/allow-all`}
    button={`Allow ${waiting} findings`}
    open={failed !== undefined}
  >
    <p class="wide">
      For the first import of a repository. The gate lets these findings pass from now on, and never asks
      about them again; it refuses every new finding. Then the agent pushes again. A secret that is still
      valid stays in the history: have it revoked.
    </p>
    <LineField
      id={REASON}
      label="Reason"
      hint="on record with your name, for each finding"
      wide
      name="reason"
      required
      maxlength={2000}
      value={failed?.reason}
      placeholder="the history before the gate"
    />
  </DisclosureForm>
)
