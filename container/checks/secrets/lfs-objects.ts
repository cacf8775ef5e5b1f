import { mkdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { PassFor } from '../../../src/contract/companion-api/pass.ts'
import type { LfsObject } from '../../../src/contract/lfs.ts'
import type { Finding } from '../../../src/contract/outcome.ts'
import { GateFault } from '../check.ts'
import { defaultLimits, LimitExceeded, type Limits } from '../limits.ts'
import { sanitizeForAgent } from '../sanitize-text.ts'
import { exceptionFor } from './findings/exceptions.ts'
import { fingerprint } from './findings/fingerprint.ts'
import { Redactor } from './findings/redactor.ts'
import { describe, dropGenericDuplicates } from './findings/report-findings.ts'
import { lfsPath } from './scan/read-lfs-objects.ts'
import { runScan } from './scan/run-scan.ts'
import { NO_PUSH, type ScanResult } from './scan/scan-job.ts'
import type { SecretsSettings } from './settings.ts'

/** The operators' decisions that an object is judged by, and its repository. */
export type LfsDecisions = Pick<
  PassFor<'lfs-upload'>,
  'repository' | 'exceptions' | 'declines' | 'gitleaksConfig'
>

/** The verdict of the scan on an LFS object. */
export interface LfsVerdict {
  /** Why the object is refused, for the agent; undefined: it is clean. */
  readonly refusal?: string
  readonly findings: readonly Finding[]
  readonly exceptionsUsed: readonly string[]
}

export interface LfsScan {
  /** Each with the file that holds it. */
  readonly objects: readonly (LfsObject & { readonly path: string })[]
  readonly decisions: LfsDecisions
  /** Of the mirror. The scan of an object reads nothing from it. */
  readonly git: { readonly dir: string; readonly env: Readonly<Record<string, string>> }
  /** A folder for temporary files, which does not exist yet. */
  readonly scratch: string
}

/** The least speed at which an object has to be scanned, in bytes per millisecond. */
const MIN_BYTES_PER_MS = 5_000

/** The findings that a refusal lists. */
const MAX_SHOWN = 3
/** The findings that are recorded. */
const MAX_KEPT = 500

/**
 * Scans LFS objects as files of a push are scanned. An object larger than a file may be is scanned without
 * opening its archives. Returns a verdict for each object, by its id. Throws GateFault when they could not be
 * scanned.
 */
export async function scanLfsObjects(
  scan: LfsScan,
  settings: SecretsSettings,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, LfsVerdict>> {
  const { objects, decisions, git, scratch } = scan
  const limits: Limits = { ...defaultLimits, ...settings }
  const bytes = objects.reduce((sum, { size }) => sum + size, 0)
  const deadline = AbortSignal.timeout(settings.seconds * 1000 + Math.ceil(bytes / MIN_BYTES_PER_MS))
  try {
    await mkdir(scratch, { recursive: true, mode: 0o700 })
    const result = await runScan(
      {
        ...NO_PUSH,
        // Plain data, for the child process.
        git: { dir: git.dir, env: git.env },
        gitleaksConfig: decisions.gitleaksConfig,
        lfsObjects: objects.map(({ oid, size, path }) => ({
          oid,
          size,
          path,
          isLarge: size > settings.maxBlobBytes,
        })),
        limits,
        gitleaks: settings.gitleaks,
        folder: scratch,
      },
      { signal: AbortSignal.any([signal, deadline]), onPhase: () => {} },
      settings,
    )
    return new Map(
      objects.map(({ oid }) => {
        const own = result.newFindings.filter(({ item }) => item.path === lfsPath({ oid }))
        return [oid, judge({ ...result, newFindings: own }, oid, decisions, settings.fingerprintKey)]
      }),
    )
  } catch (error) {
    if (error instanceof LimitExceeded) return tooMuch(scan, error, settings, signal)
    if (deadline.aborted) throw new GateFault('the gate could not scan this object in time', { cause: error })
    if (error instanceof GateFault)
      throw new GateFault(error.message.replace('this push', 'this object'), { cause: error.cause })
    throw new GateFault('the gate could not scan this object for secrets', { cause: error })
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Refuses an object that is beyond a limit. Of several objects, each is scanned again by itself. */
async function tooMuch(
  { objects, ...scan }: LfsScan,
  limit: LimitExceeded,
  settings: SecretsSettings,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, LfsVerdict>> {
  const verdicts = new Map<string, LfsVerdict>()
  for (const object of objects) {
    if (objects.length > 1) {
      const scratch = join(scan.scratch, '..', `${basename(scan.scratch)}-${object.oid}`)
      const alone = await scanLfsObjects({ ...scan, objects: [object], scratch }, settings, signal)
      for (const [oid, verdict] of alone) verdicts.set(oid, verdict)
    } else
      verdicts.set(object.oid, {
        refusal: `git-gate: ${lfsPath(object)} is too much to scan: ${sanitizeForAgent(limit.message)}. Please ${limit.remedy}.`,
        findings: [],
        exceptionsUsed: [],
      })
  }
  return verdicts
}

/** Refuses findings without an exception. */
function judge(
  { newFindings, secrets }: ScanResult,
  oid: string,
  { repository, exceptions, declines }: LfsDecisions,
  key: string,
): LfsVerdict {
  const redactor = new Redactor(secrets)
  const findings = new Map<string, Finding>()
  const refused = new Map<string, Finding>()
  const exceptionsUsed = new Set<string>()
  const now = Date.now()
  for (const match of dropGenericDuplicates(newFindings)) {
    const id = fingerprint(match, repository.name, key)
    if (findings.has(id)) continue
    const finding = describe(match, id, redactor)
    const exception = exceptionFor(id, exceptions, now)
    if (exception) exceptionsUsed.add(exception.id)
    else if (refused.size <= MAX_KEPT) refused.set(id, finding)
    if (findings.size < MAX_KEPT) findings.set(id, finding)
  }
  const recorded = { findings: [...findings.values()], exceptionsUsed: [...exceptionsUsed] }
  if (refused.size === 0) return recorded
  const declined = new Map(declines?.map(({ fingerprint, reason }) => [fingerprint, reason]))
  return { ...recorded, refusal: explain(oid, [...refused.values()], repository.name, declined) }
}

function explain(
  oid: string,
  refused: readonly Finding[],
  repository: string,
  declined: ReadonlyMap<string, string>,
): string {
  const shown = refused.slice(0, MAX_SHOWN)
  const more = refused.length > shown.length ? ` and ${refused.length - shown.length} more` : ''
  const open = shown.map(finding => finding.fingerprint).filter(id => !declined.has(id))
  const answers = shown.flatMap(finding => {
    const reason = declined.get(finding.fingerprint)
    return reason === undefined
      ? []
      : [`an operator has declined to let ${finding.fingerprint} pass: ${reason}`]
  })
  return [
    `git-gate: secret found: ${shown.map(finding => `${finding.rule} in ${atLine(finding)}`).join('; ')}${more}`,
    `Nothing of the object has reached upstream. \`git lfs ls-files --all --long | grep ${oid.slice(0, 10)}\` names its file: take the secret out of it, amend the commit, and push again.`,
    ...answers,
    ...(open.length > 0
      ? [
          'If it is not a secret, ask an operator for an exception:',
          ...open.map(
            id => `  git gate exception add ${repository} ${id} --reason '<why it is not a secret>'`,
          ),
        ]
      : []),
  ].join('\n')
}

const atLine = ({ path, line }: Finding) => (line > 0 ? `${path}, line ${line}` : path)
