import type { Child } from 'hono/jsx'
import { escapeInvisible } from '../../contract/text/invisible-characters.ts'

/** The outcome of a push as a word and an icon, so that colour is not its only sign. */
export const OutcomeBadge = ({ outcome, step }: { outcome: string; step: string }) => (
  <span class={`outcome ${outcome}`}>
    <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      {ICONS[outcome] ?? ICONS.open}
    </svg>
    {outcomeLabel(outcome, step)}
  </span>
)

/** Returns the outcome, or the step of an open push: `receiving`, `checking: secrets`, `forwarding`. */
export const outcomeLabel = (outcome: string, step: string): string =>
  outcome !== 'open'
    ? outcome
    : step === 'receiving' || step === 'forwarding'
      ? step
      : `checking: ${escapeInvisible(step)}`

const ICONS: Readonly<Record<string, Child>> = {
  accepted: <path d="M2 6.5 5 9.5 10 3" />,
  refused: <path d="M2.5 2.5 9.5 9.5M9.5 2.5 2.5 9.5" />,
  failed: <path d="M6 1.5V7M6 9.2V10.5" />,
  abandoned: <path d="M2 6H10" />,
  open: <circle cx="6" cy="6" r="4" />,
  answered: <path d="M2 6.5 5 9.5 10 3" />,
  fetched: <path d="M6 1.5V9.5M2.5 6.5 6 10 9.5 6.5" />,
}
