import type { Child } from 'hono/jsx'

/** A fact of a `<dl class="facts">`: its label and value. */
export const Fact = ({ label, children }: { label: string; children: Child }) => (
  <div>
    <dt>{label}</dt>
    <dd>{children}</dd>
  </div>
)
