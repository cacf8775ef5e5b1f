import type { Finding, Refusal } from '../../../../src/contract/outcome.ts'
import type { IncomingPush } from '../../check.ts'
import { refsContaining } from '../../objects/commit-refs.ts'
import type { NewObjects } from '../../objects/new-objects.ts'
import { tagTarget } from '../../objects/tag-target.ts'
import type { ReportedLeak } from '../../remedy/commit-problems.ts'
import { fixSteps, type LeakingRef, ROTATE } from '../../remedy/fix-steps.ts'
import { refHistory } from '../../remedy/ref-history.ts'
import { isTag } from '../../remedy/refused-ref.ts'
import { sanitizeForAgent } from '../../sanitize-text.ts'
import type { LocatedMatch } from '../gitleaks/locate.ts'
import type { Redactor } from './redactor.ts'

/** The push, and the objects that it introduces. */
interface ScannedPush {
  readonly push: IncomingPush
  readonly newObjects: NewObjects
}

/** The findings that a refusal lists. The ledger has all of them. */
const MAX_SHOWN = 5
/** The refs that get steps for a fix. Of thousands of refs, the others need much the same. */
const MAX_REMEDIES = 20

/** A recorded finding, and the commits for which it is refused. */
export interface ReportedFinding {
  readonly match: LocatedMatch
  /** The commits that bring the finding, parents first. */
  readonly commits: Set<string>
  readonly finding: Finding
  /** The number of the line in the newest of the commits. */
  line: number
  /** The operator's reason for declining the finding; undefined: no operator has. */
  readonly declined: string | undefined
}

/** Returns the refusals of the refs that bring the findings, with the steps that remove them. */
export function refusals(
  findings: readonly ReportedFinding[],
  { push, newObjects }: ScannedPush,
  redactor: Redactor,
): Refusal[] {
  const byRef = new Map<string, ReportedFinding[]>()
  const [inOptions = [], inRefs = []] = [true, false].map(isOption =>
    findings.filter(({ match }) => (match.item.kind === 'push option') === isOption),
  )
  for (const reported of inRefs) {
    const { ref } = reported.match.item
    // A tag on a tree has no commit, so the tree's id stands for it.
    const refs =
      ref !== undefined ? [ref] : [...reported.commits].flatMap(id => refsContaining(push, newObjects, id))
    for (const name of new Set(refs)) {
      const group = byRef.get(name)
      if (group) group.push(reported)
      else byRef.set(name, [reported])
    }
  }
  // Branches come first: a tag is moved to its branch's new commit.
  const refs = [...byRef].sort(([a], [b]) => Number(isTag(a)) - Number(isTag(b)))
  const remedies = remediesFor(refs.slice(0, MAX_REMEDIES), { push, newObjects }, redactor)
  const refusal = (group: readonly ReportedFinding[], remedy: readonly string[]): Refusal => {
    const [top] = group
    const more = group.length > 1 ? ` and ${group.length - 1} more` : ''
    return {
      reason: `secret found: ${top ? summary(top.finding) : ''}${more}`,
      detail: [
        ...group.slice(0, MAX_SHOWN).flatMap(formatFinding),
        ...(group.length > MAX_SHOWN ? [`… and ${group.length - MAX_SHOWN} more, in the gate's ledger`] : []),
      ],
      remedy,
    }
  }
  return [
    ...(inOptions.length ? [refusal(inOptions, ['Push again without it in a push option.', ROTATE])] : []),
    ...refs.map(([ref, group]) => ({
      ref,
      ...refusal(group, [...(remedies.get(ref) ?? []), ...disputeSteps(group)]),
    })),
  ]
}

/** Tells the agent how it asks a person to let findings pass. */
function disputeSteps(findings: readonly ReportedFinding[]): string[] {
  const open = findings.filter(({ declined }) => declined === undefined)
  if (open.length === 0) return []
  const asking = open.filter(({ finding }) => finding.asksForException)
  if (asking.length === open.length)
    return [
      'An operator has been asked to let it pass. Nothing else you can do: once it may pass, push again.',
    ]
  return [
    'If it is no secret: put gitleaks:allow into that line (of the file or message), amend, and push. That asks an operator; the push is refused until it may pass.',
  ]
}

/** Returns the steps for each ref. Steps that a ref shares with an earlier one are not repeated. */
function remediesFor(
  refs: readonly (readonly [string, readonly ReportedFinding[]])[],
  { push, newObjects }: ScannedPush,
  redactor: Redactor,
): Map<string, string[]> {
  const paths = new Set(refs.flatMap(([, group]) => group.map(({ match }) => match.item.path)))
  const changes = newObjects.entries.filter(({ path }) => paths.has(path))
  const branches: LeakingRef[] = []
  const firstRefWith = new Map<string, string>()
  const remedies = new Map<string, string[]>()
  for (const [ref, group] of refs) {
    const command = push.commands.find(pushed => pushed.ref === ref)
    if (!command) continue
    const history = refHistory(command, newObjects)
    const branch = isTag(ref)
      ? branches.find(refused => history && refused.history?.order.has(history.tip))
      : undefined
    const leaks = group.map(reported => toReportedLeak(reported, redactor))
    const last = newObjects.tags.findLast(tag => tag.ref === ref)
    const target = history?.tip ?? (last && (tagTarget(last.content) ?? last.id)) ?? command.new
    const displayName = redactor.redactPath(ref)
    const refused: LeakingRef = {
      repository: push.pass.repository.name,
      ref,
      displayName,
      id: command.new,
      target,
      leaks,
      history,
      changes,
      branch,
    }
    if (ref.startsWith('refs/heads/')) branches.push(refused)
    const lines = fixSteps(refused)
    const sameRef = firstRefWith.get(lines.join('\n'))
    remedies.set(ref, sameRef === undefined ? lines : [`The same steps as for ${sameRef}.`])
    if (sameRef === undefined) firstRefWith.set(lines.join('\n'), displayName)
  }
  return remedies
}

function toReportedLeak(
  { match: { item, text, archivePath }, line, commits }: ReportedFinding,
  redactor: Redactor,
): ReportedLeak {
  const { kind, path } = item
  const isShown = redactor.redactPath(path) === path && sanitizeForAgent(path, path.length) === path
  return {
    kind,
    commits: [...commits],
    path,
    safePath: isShown ? path : undefined,
    line: archivePath.length > 0 ? 0 : line,
    text,
  }
}

export const placeOf = ({ path, line }: Finding) => `${path}${line > 0 ? `:${line}` : ''}`
const summary = (finding: Finding) => `${finding.rule} in ${placeOf(finding)}`

function formatFinding({ match, finding, declined }: ReportedFinding): string[] {
  const encodedIn = match.encodings.length ? ` (in ${match.encodings.join(', in ')})` : ''
  return [
    `${summary(finding)}${encodedIn}${finding.commit ? `, commit ${finding.commit.slice(0, 7)}` : ''}`,
    `  ${finding.excerpt}`,
    `  fingerprint ${finding.fingerprint}`,
    ...(declined === undefined
      ? []
      : [`  an operator has declined to let it pass${declined ? `: ${sanitizeForAgent(declined)}` : ''}`]),
    ...(finding.asksForException && declined === undefined
      ? ['  gitleaks:allow asks an operator to let it pass; it does not let it pass itself']
      : []),
  ]
}
