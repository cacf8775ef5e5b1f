import type { Finding, Refusal } from '../../../src/contract/outcome.ts'
import type { IncomingPush } from '../check.ts'
import type { Introduced } from '../introduced.ts'
import { exceptionFor } from './exceptions.ts'
import { fingerprint, placeKey, placeOf } from './fingerprint.ts'
import type { Located } from './locate.ts'
import type { Item } from './packs.ts'
import { printable, Redactor } from './redact.ts'
import { askOperator, remedy } from './remedy.ts'
import type { Found } from './search.ts'
import { type Whereabouts, whereabouts } from './whereabouts.ts'

interface Options {
  readonly push: IncomingPush
  readonly introduced: Omit<Introduced, 'entries'>
  readonly key: string
}

/** Findings that a refusal spells out; the ledger has them all. */
const SHOWN = 5
/** The most findings that are kept of one push. */
const KEPT = 500

interface Judged {
  readonly found: Located
  readonly finding: Finding
  /** What an operator said when declining it; undefined: nobody has. */
  readonly declined: string | undefined
}

/** What is not excepted is refused; all findings and all exceptions used go on the push's record. */
export function judge({ fresh, secrets }: Found, options: Options): Refusal[] {
  const { push, introduced, key } = options
  const redactor = new Redactor(secrets)
  const order = new Map([...introduced.commits.keys()].map((id, i) => [id, i]))
  const now = Date.now()
  const seen = new Set<string>()
  const refused: Judged[] = []
  let untold = 0
  const sorted = fresh.toSorted(
    (a, b) =>
      (order.get(a.item.commit) ?? 0) - (order.get(b.item.commit) ?? 0) ||
      a.how.length - b.how.length ||
      a.line - b.line,
  )
  for (const found of preferNamed(sorted)) {
    const print = fingerprint(found, push.pass.repository.name, key)
    if (seen.has(print)) continue
    seen.add(print)
    const exception = exceptionFor(print, push.pass.exceptions, now)
    if (exception && !push.record.exceptionsUsed.includes(exception.id))
      push.record.exceptionsUsed.push(exception.id)
    if (seen.size > KEPT) {
      if (!exception) untold++
      continue
    }
    const finding = describe(found, print, redactor)
    push.record.findings.push(finding)
    if (exception) continue
    const declined = push.pass.declines?.find(decline => decline.fingerprint === print)?.reason
    refused.push({ found, finding, declined })
    const { kind, ref } = found.item
    if (kind === 'ref name' && ref !== undefined) push.record.secretRefs.set(ref, redactor.name(ref))
  }
  const told = refusals(refused, options, redactor)
  // Whatever is on record is excepted, and more was found than is kept.
  if (untold > 0 && told.length === 0)
    return [{ reason: `${untold} more secrets found than the ${KEPT} on record`, detail: [], remedy: [] }]
  return told
}

/** gitleaks' rule for anything that looks like a key says nothing where another rule has named the secret. */
function preferNamed(found: readonly Located[]): Located[] {
  const key = (each: Located) => `${placeKey(each)}\0${each.secret}`
  const isGeneric = ({ rule }: Located) => rule.includes('generic')
  const named = new Set(found.filter(each => !isGeneric(each)).map(key))
  return found.filter(each => !isGeneric(each) || !named.has(key(each)))
}

function describe(found: Located, print: string, redactor: Redactor): Finding {
  return {
    rule: found.rule,
    path: printable(redactor.name(placeOf(found))),
    line: found.line,
    commit: found.item.commit,
    fingerprint: print,
    excerpt:
      found.item.kind === 'file name' || found.item.kind === 'ref name'
        ? '[redacted]'
        : redactor.excerpt(found.text, found.secret),
    asksForException: found.text.includes('gitleaks:allow'),
  }
}

function refusals(refused: readonly Judged[], { push, introduced }: Options, redactor: Redactor): Refusal[] {
  const byRef = new Map<string, { judged: Judged; where: Whereabouts | undefined }[]>()
  for (const judged of refused) {
    const { ref, commit } = judged.found.item
    const places = ref === undefined ? whereabouts(push, introduced, commit) : []
    const refs: [string, Whereabouts | undefined][] =
      ref !== undefined ? [[ref, undefined]] : places.map(where => [where.ref, where])
    // A tag on a tree has no commit; all of the push is refused for what it holds.
    for (const [name, where] of refs.length
      ? refs
      : push.commands.map(each => [each.ref, undefined] as const))
      byRef.set(name, [...(byRef.get(name) ?? []), { judged, where }])
  }
  return [...byRef].map(([ref, of]) => {
    const [top] = of
    const more = of.length > 1 ? ` and ${of.length - 1} more` : ''
    return {
      ref,
      reason: `secret found: ${top ? inShort(top.judged.finding) : ''}${more}`,
      detail: [
        ...of.slice(0, SHOWN).flatMap(({ judged }) => tell(judged)),
        ...(of.length > SHOWN ? [`… and ${of.length - SHOWN} more, in the gate's ledger`] : []),
      ],
      remedy: [
        ...new Set(
          of
            .slice(0, SHOWN)
            .flatMap(({ judged, where }) =>
              remedy(safeItem(judged, redactor), safePath(judged, redactor), where),
            ),
        ),
        ...of
          .slice(0, SHOWN)
          .filter(({ judged }) => judged.declined === undefined)
          .flatMap(({ judged }) => askOperator(push.pass.repository.name, judged.finding.fingerprint)),
      ],
    }
  })
}

const inShort = ({ rule, path, line }: Finding) => `${rule} in ${path}${line > 0 ? `:${line}` : ''}`

function tell({ found, finding, declined }: Judged): string[] {
  const way = found.how.length ? ` (in ${found.how.join(', in ')})` : ''
  return [
    `${inShort(finding)}${way}${finding.commit ? `, commit ${finding.commit.slice(0, 7)}` : ''}`,
    `  ${finding.excerpt}`,
    `  fingerprint ${finding.fingerprint}`,
    ...(declined === undefined
      ? []
      : [`  an operator has declined to let it pass${declined ? `: ${printable(declined)}` : ''}`]),
    ...(finding.asksForException && declined === undefined
      ? ['  gitleaks:allow does not let it pass; it is noted as asking for an exception']
      : []),
  ]
}

/** The item without a ref's name that holds a secret itself. */
function safeItem({ found: { item } }: Judged, redactor: Redactor): Item {
  const { ref, ...rest } = item
  return ref !== undefined && redactor.name(ref) !== ref ? rest : item
}

/** The path as a command may have it: undefined where a part of it is not shown. */
function safePath({ found }: Judged, redactor: Redactor): string | undefined {
  const { path } = found.item
  return redactor.name(path) === path && printable(path) === path ? path : undefined
}
