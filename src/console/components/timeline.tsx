import type { PushRecord } from '../../contract/api.ts'
import { visible } from '../../contract/invisible-characters.ts'
import { duration } from './format-time.ts'

/** The steps of a push, one under the other, each from where it began: its length is its share of the time. */
export const StepTimeline = ({ push }: { push: PushRecord }) => {
  const total = Math.max(
    1,
    push.steps.reduce((sum, { ms }) => sum + ms, 0),
  )
  let at = 0
  const steps = push.steps.map(step => {
    const from = at
    at += step.ms
    return { ...step, from }
  })
  return (
    <ol class="timeline">
      {steps.map(({ step, ms, from }, i) => (
        <li>
          <span>{visible(step)}</span>
          <svg class="bar" width="100%" height="10" aria-hidden="true">
            <rect class="track" width="100%" height="10" rx="2" />
            <rect
              class={i === steps.length - 1 && push.outcome !== 'open' ? `part ${push.outcome}` : 'part'}
              x={`${share(from, total)}%`}
              width={`${Math.max(share(ms, total), 0.6)}%`}
              height="10"
              rx="2"
            />
          </svg>
          <span class="took">{duration(ms)}</span>
        </li>
      ))}
      {push.outcome === 'open' && (
        <li>
          <span>{visible(push.phase)}</span>
          <span class="quiet">in progress</span>
        </li>
      )}
    </ol>
  )
}

const share = (ms: number, total: number) => Math.min(99.4, Math.round((ms / total) * 1000) / 10)
