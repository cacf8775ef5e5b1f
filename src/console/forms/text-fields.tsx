import type { Child } from 'hono/jsx'
import { Field } from './field.tsx'

interface Props {
  readonly id: string
  readonly name: string
  readonly value?: string | undefined
  readonly label: Child
  readonly hint: Child
  readonly placeholder?: string
}

interface LineProps extends Props {
  readonly wide?: boolean
  readonly required?: boolean
  readonly maxlength?: number
}

/** A name, a URL or another text of one line that browsers neither complete nor correct. */
export const LineField = ({ id, label, hint, value = '', wide = false, ...attributes }: LineProps) => (
  <Field id={id} label={label} hint={hint} wide={wide}>
    <input
      id={id}
      value={value}
      aria-describedby={`${id}-hint`}
      autocomplete="off"
      autocapitalize="none"
      spellcheck={false}
      {...attributes}
    />
  </Field>
)

interface LinesProps extends Props {
  readonly rows?: number
}

/** A text of several lines, such as patterns, keys or a configuration. */
export const LinesField = ({ id, label, hint, value = '', rows = 2, ...attributes }: LinesProps) => (
  <Field id={id} label={label} hint={hint} wide>
    <textarea id={id} aria-describedby={`${id}-hint`} rows={rows} spellcheck={false} {...attributes}>
      {value}
    </textarea>
  </Field>
)
