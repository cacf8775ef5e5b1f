import { hash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import type { Command } from '../../../git/command-list.ts'
import { createGit } from '../../../git/git.ts'
import type { Limits } from '../../limits.ts'
import type { ScanTargets } from '../../objects/new-objects.ts'
import { findKnownUpstream } from '../baseline/already-upstream.ts'
import { falseAlarm } from '../false-alarms/index.ts'
import { scanConfig } from '../gitleaks/config.ts'
import type { LocatedMatch } from '../gitleaks/locate.ts'
import type { WrittenRules } from '../gitleaks/needed-rules.ts'
import type { Predecessors } from '../new-text/predecessors.ts'
import { CleanScan, type KnownClean } from './clean-objects.ts'
import type { StoredObject } from './read-lfs-objects.ts'
import { scan } from './scanner.ts'

/** A scan for secrets as plain data, so that it can be sent to a child process. */
export interface ScanJob {
  readonly git: { readonly dir: string; readonly env: Readonly<Record<string, string>> }
  readonly commands: readonly Command[]
  readonly pushOptions: readonly string[]
  /** The operator's gitleaks configuration for the repository, as TOML; empty: the gate's own alone. */
  readonly gitleaksConfig: string
  readonly newObjects: ScanTargets
  readonly predecessors: Predecessors
  /** The objects in which an earlier scan has found nothing; undefined: the scan remembers none. */
  readonly knownClean?: KnownClean | undefined
  /** LFS objects, which are scanned in the place of a push. */
  readonly lfsObjects?: readonly StoredObject[] | undefined
  /** Texts for the API of a host, which are scanned in the place of a push. */
  readonly texts?: readonly string[] | undefined
  readonly limits: Limits
  /** The path of the gitleaks binary. */
  readonly gitleaks: string
  /** The rules of the gitleaks, where they have been read; undefined: the scan reads them. */
  readonly rules?: WrittenRules | undefined
  /** The bytes of files from which on two threads scan them. */
  readonly minSharedBytes?: number | undefined
  /** A folder for temporary files, which does not exist yet. */
  readonly folder: string
  /** Set when a child process repeats a scan that exceeds the limits; upstream's files then have to keep them too. */
  readonly isInProcess: boolean
}

/** The parts of a job that are empty where something is scanned in the place of a push. */
export const NO_PUSH: Pick<ScanJob, 'commands' | 'pushOptions' | 'newObjects' | 'predecessors'> = {
  commands: [],
  pushOptions: [],
  newObjects: {
    commits: new Map(),
    blobs: new Map(),
    names: [],
    before: new Map(),
    tags: [],
    refs: [],
    unreachable: [],
  },
  predecessors: new Map(),
}

/** Receives the progress of a scan and cancels it. */
export interface ScanObserver {
  readonly signal: AbortSignal
  /** Receives the name of each phase as it begins. */
  readonly onPhase: (phase: string) => void
  /** Receives the bytes given to gitleaks, for each of its processes. */
  readonly onScanned?: (bytes: number) => void
}

export interface ScanResult {
  /** The matches that upstream does not have. */
  readonly newFindings: readonly LocatedMatch[]
  /** Every secret that was matched, so that output can be redacted. */
  readonly secrets: readonly string[]
  /** The digests of the objects that the scan has found clean, beside those that were known. */
  readonly clean?: Buffer | undefined
}

/** The RE2 instructions for matching paths on a shared thread: about half a second at the worst. */
const SHARED_PATH_STEPS = 5_000_000

/** Upstream has no LFS object and no text here to compare with. */
const NOTHING: ReadonlySet<LocatedMatch> = new Set()

/** Scans all new objects of a push with the gate's configuration and the operator's. */
export async function runScanJob(
  job: ScanJob,
  observer: ScanObserver,
  git = createGit(job.git.dir, job.git.env),
): Promise<ScanResult> {
  const { folder, gitleaksConfig } = job
  await mkdir(folder, { mode: 0o700 })
  const options = { ...job, ...observer, git }
  const config = await scanConfig(gitleaksConfig, {
    gitleaks: job.gitleaks,
    folder,
    rules: job.rules,
    maxPathSteps: job.isInProcess ? SHARED_PATH_STEPS : undefined,
  })
  const { passesPathRules, operatorRules } = config
  const isSecret = judgeOnce(match => operatorRules.has(match.rule) || falseAlarm(match) === undefined)
  const clean = job.knownClean && new CleanScan(job.knownClean, job.newObjects, job.predecessors)
  const matches = (await scan({ ...options, config, isSecret, clean }))
    .filter(passesPathRules)
    .filter(isSecret)
  observer.onPhase('comparing with upstream')
  const upstreamMatches = job.lfsObjects || job.texts ? NOTHING : await findKnownUpstream(matches, options)
  return {
    newFindings: matches.filter(match => !upstreamMatches.has(match)),
    secrets: [...new Set(matches.map(match => match.secret))],
    ...(clean ? { clean: clean.found } : {}),
  }
}

/** Judges equal matches once: the same line comes with many versions of a file. */
function judgeOnce(judge: (match: LocatedMatch) => boolean): (match: LocatedMatch) => boolean {
  const judged = new Map<string, boolean>()
  return match => {
    const { rule, item, encodings, archivePath, isBinary, secret, text } = match
    const seen = [rule, item.kind, item.path, encodings, archivePath, isBinary, secret, match.match, text]
    // Thousands of matches with kilobytes of text each would fill the memory of a scan.
    const key = hash('sha256', JSON.stringify(seen))
    const cached = judged.get(key)
    if (cached !== undefined) return cached
    const result = judge(match)
    judged.set(key, result)
    return result
  }
}
