import type { Finding, Refusal } from '../../../../src/contract/outcome.ts'
import type { IncomingPush } from '../../check.ts'
import { refsWith, tagTarget } from '../../objects/commit-refs.ts'
import type { Introduced } from '../../objects/new-objects.ts'
import type { Located } from '../gitleaks/locate.ts'
import { askOperator, type Refused, remedy } from '../remedy/fix-steps.ts'
import { broughtBy } from '../remedy/ref-history.ts'
import type { Leak } from '../remedy/rewrite-history.ts'
import type { Found } from '../scan/scan-job.ts'
import { exceptionFor } from './exceptions.ts'
import { fingerprint, placeKey, placeOf } from './fingerprint.ts'
import { isChecksum } from './known-false-positives.ts'
import { printable, Redactor } from './redactor.ts'

interface Options {
  readonly push: IncomingPush
  readonly introduced: Introduced
  readonly key: string
}

/** Findings that a refusal spells out; the ledger has them all. */
const SHOWN = 5
/** Refs that are told what to do; of thousands, the others are much the same. */
const REMEDIES = 20
/** The most findings that are kept of one push. */
const KEPT = 500

interface Judged {
  readonly found: Located
  /** Every commit that brings it, parents first. */
  readonly commits: Set<string>
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
  const seen = new Map<string, Judged>()
  const refused: Judged[] = []
  const sorted = fresh
    .filter(each => !isChecksum(each))
    .toSorted(
      (a, b) =>
        (order.get(a.item.commit) ?? 0) - (order.get(b.item.commit) ?? 0) ||
        a.how.length - b.how.length ||
        a.line - b.line,
    )
  for (const found of preferNamed(sorted)) {
    const print = fingerprint(found, push.pass.repository.name, key)
    const before = seen.get(print)
    before?.commits.add(found.item.commit)
    if (before) continue
    const exception = exceptionFor(print, push.pass.exceptions, now)
    if (seen.size >= KEPT && !exception) {
      // Whatever is on record may be excepted, and more was found than is kept.
      if (refused.length === 0)
        return [{ reason: `more secrets found than the ${KEPT} on record`, detail: [], remedy: [] }]
      break
    }
    if (exception && !push.record.exceptionsUsed.includes(exception.id))
      push.record.exceptionsUsed.push(exception.id)
    if (seen.size >= KEPT) continue
    const finding = describe(found, print, redactor)
    push.record.findings.push(finding)
    const declined = push.pass.declines?.find(decline => decline.fingerprint === print)?.reason
    const judged = { found, commits: new Set([found.item.commit]), finding, declined }
    seen.set(print, judged)
    if (exception) continue
    refused.push(judged)
    const { kind, ref } = found.item
    if (kind === 'ref name' && ref !== undefined) push.record.secretRefs.set(ref, redactor.name(ref))
  }
  return refusals(refused, options, redactor)
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

function refusals(all: readonly Judged[], { push, introduced }: Options, redactor: Redactor): Refusal[] {
  const byRef = new Map<string, Judged[]>()
  for (const judged of all) {
    const { ref } = judged.found.item
    // A tag on a tree has no commit: it is known by the tree.
    const refs = ref !== undefined ? [ref] : [...judged.commits].flatMap(id => refsWith(push, introduced, id))
    for (const name of new Set(refs)) {
      const of = byRef.get(name)
      if (of) of.push(judged)
      else byRef.set(name, [judged])
    }
  }
  // Branches first: a tag is moved to what a branch has become.
  const refs = [...byRef].sort(([a], [b]) => Number(isTag(a)) - Number(isTag(b)))
  const remedies = remediesFor(refs.slice(0, REMEDIES), { push, introduced }, redactor)
  return refs.map(([ref, of]) => {
    const [top] = of
    const more = of.length > 1 ? ` and ${of.length - 1} more` : ''
    return {
      ref,
      reason: `secret found: ${top ? inShort(top.finding) : ''}${more}`,
      detail: [
        ...of.slice(0, SHOWN).flatMap(tell),
        ...(of.length > SHOWN ? [`… and ${of.length - SHOWN} more, in the gate's ledger`] : []),
      ],
      remedy: [
        ...(remedies.get(ref) ?? []),
        ...askOperator(
          push.pass.repository.name,
          of
            .slice(0, SHOWN)
            .flatMap(({ declined, finding }) => (declined === undefined ? [finding.fingerprint] : [])),
        ),
      ],
    }
  })
}

const isTag = (ref: string) => ref.startsWith('refs/tags/')

/** What to do about each ref; what was told for one is not told again for the next. */
function remediesFor(
  refs: readonly (readonly [string, readonly Judged[]])[],
  { push, introduced }: Pick<Options, 'push' | 'introduced'>,
  redactor: Redactor,
): Map<string, string[]> {
  const paths = new Set(refs.flatMap(([, of]) => of.map(({ found }) => found.item.path)))
  const changes = introduced.entries.filter(({ path }) => paths.has(path))
  const branches: Refused[] = []
  const told = new Map<string, string>()
  const remedies = new Map<string, string[]>()
  for (const [ref, of] of refs) {
    const command = push.commands.find(each => each.ref === ref)
    if (!command) continue
    const brought = broughtBy(command, introduced)
    const branch = isTag(ref)
      ? branches.find(each => brought && each.brought?.order.has(brought.tip))
      : undefined
    const leaks = of.map(judged => leakOf(judged, redactor))
    const last = introduced.tags.findLast(tag => tag.ref === ref)
    const target = brought?.tip ?? (last && (tagTarget(last.content) ?? last.id)) ?? command.new
    const shown = redactor.name(ref)
    const refused = { ref, shown, id: command.new, target, leaks, brought, changes, branch }
    if (ref.startsWith('refs/heads/')) branches.push(refused)
    const lines = remedy(refused)
    const same = told.get(lines.join('\n'))
    remedies.set(ref, same === undefined ? lines : [`The same as for ${same}.`])
    if (same === undefined) told.set(lines.join('\n'), shown)
  }
  return remedies
}

function leakOf({ found: { item, text }, commits }: Judged, redactor: Redactor): Leak {
  const { kind, path } = item
  const isShown = redactor.name(path) === path && printable(path, path.length) === path
  return { kind, commits: [...commits], path, shown: isShown ? path : undefined, text }
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
