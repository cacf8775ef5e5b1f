import type { PushRecord } from '../../contract/admin-api/pushes.ts'
import { escapeInvisible } from '../../contract/text/invisible-characters.ts'
import { duration } from '../components/format-time.ts'

/** The steps of a push, each as a bar from its start to its end. */
export const StepTimeline = ({ push }: { push: PushRecord }) => {
  const totalMs = Math.max(
    1,
    push.steps.reduce((sum, { ms }) => sum + ms, 0),
  )
  let elapsedMs = 0
  const steps = push.steps.map(step => {
    const startMs = elapsedMs
    elapsedMs += step.ms
    return { ...step, startMs }
  })
  return (
    <ol class="timeline">
      {steps.map(({ step, ms, startMs }, i) => (
        <li>
          <span>{escapeInvisible(step)}</span>
          <svg class="bar" width="100%" height="10" aria-hidden="true">
            <rect class="track" width="100%" height="10" rx="2" />
            <rect
              class={i === steps.length - 1 && push.outcome !== 'open' ? `step ${push.outcome}` : 'step'}
              x={`${percent(startMs, totalMs)}%`}
              width={`${Math.max(percent(ms, totalMs), 0.6)}%`}
              height="10"
              rx="2"
            />
          </svg>
          <span class="duration">{duration(ms)}</span>
        </li>
      ))}
      {push.outcome === 'open' && (
        <li>
          <span>{escapeInvisible(push.step)}</span>
          <span class="muted">in progress</span>
        </li>
      )}
    </ol>
  )
}

/** At most 99.4, so that a bar of the least width stays inside the track. */
const percent = (ms: number, totalMs: number) => Math.min(99.4, Math.round((ms / totalMs) * 1000) / 10)
