import { visible } from '../../contract/invisible-characters.ts'
import { ZERO_ID } from '../../contract/names.ts'
import type { RefResult } from '../../contract/outcome.ts'
import type { PushRow } from '../../ledger/pushes/push-summaries.ts'
import { pathOf } from '../paths.ts'
import { duration } from './format-time.ts'
import { State, stateWord } from './outcome-badge.tsx'
import { counted } from './plural.ts'
import { When } from './relative-time.tsx'
import { Given, RefName } from './untrusted-text.tsx'

/** A push in a list. Its id is what browser/live.js finds it by. */
export const PushLine = ({ push }: { push: PushRow }) => (
  <li id={`push-${push.id}`} class="push" data-outcome={push.outcome} data-says={saying(push)}>
    <State outcome={push.outcome} phase={push.phase} />
    <a class="what" href={pathOf.push(push.id)}>
      <Given text={push.agent} /> <span class="quiet">to</span> <Given text={push.repository} />
    </a>
    <span class="refs">
      {push.firstRef ? (
        <>
          <RefName name={push.firstRef.ref} /> <span class="quiet">{changeOf(push.firstRef)}</span>
          {push.refCount > 1 && <span class="quiet"> and {counted(push.refCount - 1, 'more ref')}</span>}
        </>
      ) : (
        <span class="quiet">no ref named yet</span>
      )}
    </span>
    <span class="why">{whyOf(push)}</span>
    <span class="took" title="how long it took">
      {push.outcome === 'open' ? '' : duration(push.ms)}
    </span>
    <span class="when">
      <When iso={push.startedAt} />
    </span>
  </li>
)

/** What a push does, or would do, to a ref. */
export const changeOf = (ref: RefResult): string =>
  ref.old === '' ? '' : ref.old === ZERO_ID ? 'new' : ref.new === ZERO_ID ? 'deleted' : 'moved'

function whyOf({ outcome, firstFinding, findingCount, firstRef, lastTold }: PushRow): string {
  if (firstFinding && outcome !== 'accepted') {
    const place = `${firstFinding.path}${firstFinding.line > 0 ? `:${firstFinding.line}` : ''}`
    return visible(
      `${firstFinding.rule} in ${place}${findingCount > 1 ? ` and ${counted(findingCount - 1, 'more finding')}` : ''}`,
    )
  }
  if (outcome === 'accepted' || outcome === 'open') return ''
  return visible((firstRef?.reason || (lastTold ?? '')).replace(/^git-gate: /, '')).slice(0, 300)
}

/** How a push stands in one sentence, as a screen reader hears it when that changes. */
export const saying = (push: Pick<PushRow, 'agent' | 'repository' | 'outcome' | 'phase'>) =>
  visible(`${push.agent} to ${push.repository}: ${stateWord(push.outcome, push.phase)}`)
