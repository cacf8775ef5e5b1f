import type { Child } from 'hono/jsx'

interface Props {
  readonly id: string
  readonly label: Child
  readonly hint?: Child
  readonly wide?: boolean
  /** The control with this id. With a hint, it needs `aria-describedby="<id>-hint"`. */
  readonly children: Child
}

/** A control with its label and its hint. */
export const Field = ({ id, label, hint, wide = false, children }: Props) => (
  <div class={wide ? 'field wide' : 'field'}>
    <label for={id}>{label}</label>
    {children}
    {hint && (
      <span class="hint" id={`${id}-hint`}>
        {hint}
      </span>
    )}
  </div>
)
