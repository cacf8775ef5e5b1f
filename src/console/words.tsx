import type { Child } from 'hono/jsx'
import { ZERO_ID } from '../contract/names.ts'

const INVISIBLE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffc]/g

/** Text from a push, with what cannot be seen, or would reorder what can, shown as its code point. */
export const visible = (text: string): string =>
  text.replace(INVISIBLE, character => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`)

/** A name that an agent or its push gave: text only, and of its own direction. */
export const Given = ({ text, mono = false }: { text: string; mono?: boolean }) =>
  mono ? (
    <bdi>
      <code>{visible(text)}</code>
    </bdi>
  ) : (
    <bdi>{visible(text)}</bdi>
  )

/** A ref by the name people call it; the full name is at hand. */
export const RefName = ({ name }: { name: string }) => (
  <bdi class="ref" title={visible(name)}>
    <code>{visible(name.replace(/^refs\/heads\//, '').replace(/^refs\/tags\//, 'tag '))}</code>
  </bdi>
)

/** An object id in short; the whole one is at hand. */
export const ObjectId = ({ id }: { id: string }) =>
  id === ZERO_ID || id === '' ? (
    <span class="quiet">none</span>
  ) : (
    <code title={visible(id)}>{visible(id.slice(0, 8))}</code>
  )

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const

/** `5 minutes ago`, `in 3 days`, `just now`. browser/times.js says it in the same words later. */
export function relative(ms: number, now = Date.now()): string {
  for (const [unit, length] of UNITS) {
    const count = ms > now ? Math.round((ms - now) / length) : Math.floor((now - ms) / length)
    if (count === 0) continue
    const words = `${count} ${unit}${count === 1 ? '' : 's'}`
    return ms > now ? `in ${words}` : `${words} ago`
  }
  return ms > now ? 'in less than a minute' : 'just now'
}

const exactly = (iso: string) => `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`

/** A time as people say it, with the exact one at hand; `exact` shows both. */
export const When = ({ iso, exact = false }: { iso: string; exact?: boolean }) => (
  <>
    <time datetime={iso} title={exactly(iso)} data-relative>
      {relative(Date.parse(iso))}
    </time>
    {exact && <span class="quiet"> ({exactly(iso)})</span>}
  </>
)

/** A length of time, at a glance. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${ms} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const minutes = Math.floor(ms / 60_000)
  return `${minutes} min ${Math.round((ms - minutes * 60_000) / 1000)} s`
}

export const counted = (count: number, one: string, many = `${one}s`) =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`

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

/** A block of lines as they were said. */
export const Said = ({ lines }: { lines: readonly string[] }) => (
  <pre class="said">
    {lines.map(
      line => `${visible(line)}
`,
    )}
  </pre>
)

/** Text to take along, with a button that copies it; browser/copy.js makes the button work. */
export const Copy = ({ id, text, label }: { id: string; text: string; label: string }) => (
  <div class="copy">
    <pre id={id}>{text}</pre>
    <button type="button" data-copy={id} hidden>
      Copy<span class="unseen"> {label}</span>
    </button>
  </div>
)

/** How the newest push of an agent, or into a repository, stands. */
export const LastPush = ({
  push,
}: {
  push: { outcome: string; phase: string; startedAt: string } | undefined
}) =>
  push ? (
    <>
      <State outcome={push.outcome} phase={push.phase} />{' '}
      <span class="quiet">
        <When iso={push.startedAt} />
      </span>
    </>
  ) : (
    <span class="quiet">no push yet</span>
  )
