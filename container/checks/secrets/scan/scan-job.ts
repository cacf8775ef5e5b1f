import { mkdir } from 'node:fs/promises'
import { gitOn } from '../../../git/git.ts'
import type { Command } from '../../../push/command-list.ts'
import type { Limits } from '../../limits.ts'
import type { Searchable } from '../../objects/new-objects.ts'
import { knownUpstream } from '../baseline/already-upstream.ts'
import { scanConfig } from '../gitleaks/config.ts'
import type { WaitingGitleaks } from '../gitleaks/gitleaks-process.ts'
import type { Located } from '../gitleaks/locate.ts'
import { scan } from './scanner.ts'

/** One search for secrets, as plain data: it can be handed to another process. */
export interface Search {
  readonly git: { readonly dir: string; readonly env: Readonly<Record<string, string>> }
  readonly commands: readonly Command[]
  /** The operator's configuration for this repository. */
  readonly gitleaksConfig: string
  readonly introduced: Searchable
  readonly limits: Limits
  /** The gitleaks binary. */
  readonly gitleaks: string
  /** A folder that is not there yet, for its temporary files. */
  readonly folder: string
  /** What is beyond its limits will be done elsewhere, and is not to be judged here. */
  readonly partial: boolean
}

/** Whoever waits for a search. */
export interface Watch {
  readonly signal: AbortSignal
  /** Told what it is doing, whenever that changes. */
  readonly doing: (what: string) => void
  /** Told of what gitleaks is given, in bytes, and whether one was started for that. */
  readonly given?: (bytes: number, started: boolean) => void
  /** A gitleaks for the first of its texts, begun ahead; no other process can be given one. */
  readonly waiting?: WaitingGitleaks | undefined
}

export interface Found {
  /** What the push brings and its upstream does not have. */
  readonly fresh: readonly Located[]
  /** Every secret that was met on the way, to be kept out of what is told. */
  readonly secrets: readonly string[]
}

/** Looks for secrets in all that a push introduces, by the operator's configuration and the gate's own. */
export async function search(job: Search, watch: Watch): Promise<Found> {
  const { folder, gitleaksConfig } = job
  await mkdir(folder, { mode: 0o700 })
  const options = { ...job, ...watch, git: gitOn(job.git.dir, job.git.env) }
  const { path: config, keeps } = await scanConfig(gitleaksConfig, folder)
  const found = (await scan({ ...options, config })).filter(keeps)
  watch.doing('comparing with upstream')
  const known = await knownUpstream(found, options)
  return {
    fresh: found.filter(each => !known.has(each)),
    secrets: [...new Set(found.map(each => each.secret))],
  }
}
