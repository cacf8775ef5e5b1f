import { mkdir } from 'node:fs/promises'
import { gitOn } from '../../../git/git.ts'
import type { Command } from '../../../push/command-list.ts'
import type { Limits } from '../../limits.ts'
import type { Searchable } from '../../objects/new-objects.ts'
import { findKnownUpstream } from '../baseline/already-upstream.ts'
import { scanConfig } from '../gitleaks/config.ts'
import type { PrewarmedGitleaks } from '../gitleaks/gitleaks-process.ts'
import type { LocatedMatch } from '../gitleaks/locate.ts'
import { scan } from './scanner.ts'

/** One search for secrets, as plain data: it can be handed to another process. */
export interface ScanJob {
  readonly git: { readonly dir: string; readonly env: Readonly<Record<string, string>> }
  readonly commands: readonly Command[]
  /** The operator's configuration for this repository. */
  readonly gitleaksConfig: string
  readonly newObjects: Searchable
  readonly limits: Limits
  /** The gitleaks binary. */
  readonly gitleaks: string
  /** A folder that is not there yet, for its temporary files. */
  readonly folder: string
  /** What is beyond its limits will be done elsewhere, and is not to be judged here. */
  readonly isInProcess: boolean
}

/** Whoever waits for a search. */
export interface ScanObserver {
  readonly signal: AbortSignal
  /** Told what it is doing, whenever that changes. */
  readonly onPhase: (phase: string) => void
  /** Told of what gitleaks is given, in bytes, and whether one was started for that. */
  readonly onScanned?: (bytes: number, started: boolean) => void
  /** A gitleaks for the first of its texts, begun ahead; no other process can be given one. */
  readonly prewarmed?: PrewarmedGitleaks | undefined
}

export interface ScanResult {
  /** What the push brings and its upstream does not have. */
  readonly newFindings: readonly LocatedMatch[]
  /** Every secret that was met on the way, to be kept out of what is told. */
  readonly secrets: readonly string[]
}

/** Looks for secrets in all that a push introduces, by the operator's configuration and the gate's own. */
export async function runScanJob(job: ScanJob, observer: ScanObserver): Promise<ScanResult> {
  const { folder, gitleaksConfig } = job
  await mkdir(folder, { mode: 0o700 })
  const options = { ...job, ...observer, git: gitOn(job.git.dir, job.git.env) }
  const { path: config, keeps } = await scanConfig(gitleaksConfig, folder)
  const matches = (await scan({ ...options, config })).filter(keeps)
  observer.onPhase('comparing with upstream')
  const known = await findKnownUpstream(matches, options)
  return {
    newFindings: matches.filter(each => !known.has(each)),
    secrets: [...new Set(matches.map(each => each.secret))],
  }
}
