import { isNullId } from '../../contract/names.ts'
import type { RefResult } from '../../contract/outcome.ts'
import { escapeInvisible } from '../../contract/text/invisible-characters.ts'
import { plural } from '../../contract/text/plural.ts'
import type { PushRow } from '../../ledger/pushes/push-summaries.ts'
import { pathOf } from '../paths.ts'
import { duration } from './format-time.ts'
import { OutcomeBadge, outcomeLabel } from './outcome-badge.tsx'
import { RelativeTime } from './relative-time.tsx'
import { RefName, UntrustedText } from './untrusted-text.tsx'

/** A push in a list. browser/live.js finds it by its id. */
export const PushItem = ({ push }: { push: PushRow }) => (
  <li id={`push-${push.id}`} class="push" data-outcome={push.outcome} data-status={statusText(push)}>
    <OutcomeBadge outcome={push.outcome} step={push.step} />
    <a
      class="title"
      href={pathOf.push(push.id)}
      title={escapeInvisible(`${push.agent} to ${push.repository}`)}
    >
      <UntrustedText text={push.agent} /> <span class="muted">to</span>{' '}
      <UntrustedText text={push.repository} />
    </a>
    <span class="refs">
      {push.firstRef ? (
        <>
          <RefName name={push.firstRef.ref} /> <span class="muted">{refChange(push.firstRef)}</span>
          {push.refCount > 1 && <span class="muted"> and {plural(push.refCount - 1, 'more ref')}</span>}
        </>
      ) : (
        <span class="muted">no ref yet</span>
      )}
    </span>
    <span class="reason" title={reasonFor(push)}>
      {reasonFor(push)}
    </span>
    <span class="duration" title="duration">
      {push.outcome === 'open' ? '' : duration(push.ms)}
    </span>
    <span class="time">
      <RelativeTime iso={push.startedAt} />
    </span>
  </li>
)

/** Returns what a push does to a ref, or would have done; empty while the gate does not know. */
export const refChange = (ref: RefResult): string =>
  ref.old === '' ? '' : isNullId(ref.old) ? 'created' : isNullId(ref.new) ? 'deleted' : 'updated'

/** Returns the first finding, or the first line that explains the outcome; empty for an accepted or open push. */
function reasonFor({ outcome, firstFinding, findingCount, firstRef, lastLine }: PushRow): string {
  if (firstFinding && outcome !== 'accepted') {
    const place = `${firstFinding.path}${firstFinding.line > 0 ? `:${firstFinding.line}` : ''}`
    return escapeInvisible(
      `${firstFinding.rule} in ${place}${findingCount > 1 ? ` and ${plural(findingCount - 1, 'more finding')}` : ''}`,
    )
  }
  if (outcome === 'accepted' || outcome === 'open') return ''
  return escapeInvisible((firstRef?.reason || (lastLine ?? '')).replace(/^git-gate: /, '')).slice(0, 300)
}

/** Returns the status of a push in one sentence, for screen readers. */
export const statusText = (push: Pick<PushRow, 'agent' | 'repository' | 'outcome' | 'step'>) =>
  escapeInvisible(`${push.agent} to ${push.repository}: ${outcomeLabel(push.outcome, push.step)}`)
