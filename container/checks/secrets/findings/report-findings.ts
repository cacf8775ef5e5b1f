import type { Finding, Refusal } from '../../../../src/contract/outcome.ts'
import type { IncomingPush } from '../../check.ts'
import type { NewObjects } from '../../objects/new-objects.ts'
import { sanitizeForAgent } from '../../sanitize-text.ts'
import { displayPath, type LocatedMatch } from '../gitleaks/locate.ts'
import type { ScanResult } from '../scan/scan-job.ts'
import { exceptionFor } from './exceptions.ts'
import { fingerprint, placeKey } from './fingerprint.ts'
import { Redactor } from './redactor.ts'
import { placeOf, type ReportedFinding, refusals } from './refusals.ts'

interface Options {
  readonly push: IncomingPush
  readonly newObjects: NewObjects
  readonly key: string
}

/** The most findings of a push that are recorded. */
const MAX_KEPT = 500

/** Refuses findings without an exception, and records all findings and used exceptions on the push. */
export function reportFindings({ newFindings, secrets }: ScanResult, options: Options): Refusal[] {
  const { push, newObjects, key } = options
  const redactor = new Redactor(secrets)
  const order = new Map([...newObjects.commits.keys()].map((id, i) => [id, i]))
  const now = Date.now()
  const reportedById = new Map<string, ReportedFinding>()
  const refused: ReportedFinding[] = []
  const sorted = newFindings.toSorted(
    (a, b) =>
      (order.get(a.item.commit) ?? 0) - (order.get(b.item.commit) ?? 0) ||
      a.encodings.length - b.encodings.length ||
      a.line - b.line,
  )
  for (const match of dropGenericDuplicates(sorted)) {
    const findingId = fingerprint(match, push.pass.repository.name, key)
    const earlier = reportedById.get(findingId)
    if (earlier) {
      earlier.commits.add(match.item.commit)
      earlier.line = match.line
      // A later commit may be the one that disputes it.
      earlier.finding.asksForException ||= isDisputed(match)
      continue
    }
    const exception = exceptionFor(findingId, push.pass.exceptions, now)
    if (reportedById.size >= MAX_KEPT && !exception) {
      // The recorded findings all have exceptions, and there are more findings than are recorded.
      if (refused.length === 0)
        return [{ reason: `more than ${MAX_KEPT} secrets found`, detail: [], remedy: [] }]
      break
    }
    if (exception && !push.record.exceptionsUsed.includes(exception.id))
      push.record.exceptionsUsed.push(exception.id)
    if (reportedById.size >= MAX_KEPT) continue
    const finding = describe(match, findingId, redactor)
    push.record.findings.push(finding)
    const declined = push.pass.declines?.find(decline => decline.fingerprint === findingId)?.reason
    const { line, item } = match
    const reported = { match, commits: new Set([item.commit]), finding, line, declined }
    reportedById.set(findingId, reported)
    if (exception) continue
    refused.push(reported)
    const { kind, ref } = item
    if (kind === 'ref name' && ref !== undefined) push.record.secretRefs.set(ref, redactor.redactPath(ref))
  }
  noteOtherPlaces([...reportedById.values()])
  // Findings beyond the recorded ones were not checked, and a ref name may be among them.
  push.record.isScanned = reportedById.size < MAX_KEPT
  push.record.isDisputed =
    push.record.isScanned &&
    refused.length > 0 &&
    refused.every(({ finding, declined }) => finding.asksForException && declined === undefined)
  return refusals(refused, options, redactor)
}

/** The most other places of a secret that a finding names. */
const MAX_PLACES = 5

/** Notes on each finding where else the push holds the same secret. A rule for a file's name has no secret. */
function noteOtherPlaces(reported: readonly ReportedFinding[]): void {
  const bySecret = Map.groupBy(reported, ({ match }) => match.secret)
  bySecret.delete('')
  for (const same of bySecret.values())
    for (const { finding } of same) {
      const others = same.filter(other => other.finding !== finding).map(other => placeOf(other.finding))
      if (others.length > 0) finding.alsoAt = [...new Set(others)].slice(0, MAX_PLACES)
    }
}

/** Drops matches of generic rules where another rule matches the same secret, or a longer one with it. */
export function dropGenericDuplicates(matches: readonly LocatedMatch[]): LocatedMatch[] {
  const isGeneric = ({ rule }: LocatedMatch) => rule.includes('generic')
  const byLine = Map.groupBy(matches, match => `${placeKey(match)}\0${match.line}`)
  // Of two generic rules that match the same secret, the first by name stays: fingerprints name the rule.
  const isBetter = (other: LocatedMatch, match: LocatedMatch) =>
    other.secret.includes(match.secret) &&
    (!isGeneric(other) ||
      other.secret.length > match.secret.length ||
      (other.secret === match.secret && other.rule < match.rule))
  const best = new Set(
    [...byLine.values()].flatMap(all =>
      all.filter(match => !isGeneric(match) || !all.some(other => isBetter(other, match))),
    ),
  )
  return matches.filter(match => best.has(match))
}

const isDisputed = ({ text }: LocatedMatch) => text.includes('gitleaks:allow')

export function describe(match: LocatedMatch, findingId: string, redactor: Redactor): Finding {
  return {
    rule: match.rule,
    path: sanitizeForAgent(redactor.redactPath(displayPath(match))),
    line: match.line,
    commit: match.item.commit,
    fingerprint: findingId,
    excerpt:
      match.item.kind === 'file name' || match.item.kind === 'ref name'
        ? '[redacted]'
        : redactor.excerpt(match.text, match.secret),
    asksForException: isDisputed(match),
  }
}
