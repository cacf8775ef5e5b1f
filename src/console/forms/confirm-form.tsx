import type { Context } from 'hono'
import type { ConsoleEnv } from '../auth/env.ts'
import { Form } from '../pages/frame/layout.tsx'

interface Props {
  readonly c: Context<ConsoleEnv>
  readonly action: string
  /** The word of the button: `Revoke`. */
  readonly verb: string
  /** The object in words, for screen readers and for the question: `the token abc`. */
  readonly object: string
  /** The effect, as a sentence. */
  readonly effect: string
  /** The values that the form submits, by name. */
  readonly values: Readonly<Record<string, string>>
}

/** A form for a change that cannot be undone: its button is visible after a first click, with the effect. */
export const ConfirmForm = ({ c, action, verb, object, effect, values }: Props) => (
  <details class="confirm">
    <summary>
      {verb}
      <span class="visually-hidden"> {object}</span>
    </summary>
    <Form c={c} action={action}>
      {Object.entries(values).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      <p>{effect}</p>
      <button type="submit" class="danger">
        {verb} now<span class="visually-hidden">: {object}</span>
      </button>
    </Form>
  </details>
)
