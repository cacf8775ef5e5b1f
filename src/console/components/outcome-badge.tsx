import type { Child } from 'hono/jsx'
import { visible } from '../../contract/invisible-characters.ts'

/** How a push stands: a word and a mark, so that it is not told by colour alone. */
export const State = ({ outcome, phase }: { outcome: string; phase: string }) => (
  <span class={`state ${outcome}`}>
    <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      {MARKS[outcome] ?? MARKS.open}
    </svg>
    {stateWord(outcome, phase)}
  </span>
)

/** `accepted`, or for an open push what it is at: `receiving`, `checking: secrets`, `forwarding`. */
export const stateWord = (outcome: string, phase: string): string =>
  outcome !== 'open'
    ? outcome
    : phase === 'receiving' || phase === 'forwarding'
      ? phase
      : `checking: ${visible(phase)}`

const MARKS: Readonly<Record<string, Child>> = {
  accepted: <path d="M2 6.5 5 9.5 10 3" />,
  refused: <path d="M2.5 2.5 9.5 9.5M9.5 2.5 2.5 9.5" />,
  failed: <path d="M6 1.5V7M6 9.2V10.5" />,
  abandoned: <path d="M2 6H10" />,
  open: <circle cx="6" cy="6" r="4" />,
  fetched: <path d="M6 1.5V9.5M2.5 6.5 6 10 9.5 6.5" />,
}
