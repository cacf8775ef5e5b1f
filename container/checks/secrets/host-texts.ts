import { mkdir, rm } from 'node:fs/promises'
import { GateFault } from '../check.ts'
import { defaultLimits, LimitExceeded } from '../limits.ts'
import { exceptionFor } from './findings/exceptions.ts'
import { fingerprint } from './findings/fingerprint.ts'
import { dropGenericDuplicates } from './findings/report-findings.ts'
import type { LfsDecisions } from './lfs-objects.ts'
import { runScan } from './scan/run-scan.ts'
import { NO_PUSH } from './scan/scan-job.ts'
import type { SecretsSettings } from './settings.ts'

export interface TextScan {
  readonly texts: readonly string[]
  readonly decisions: LfsDecisions
  /** A folder for temporary files, which does not exist yet. */
  readonly scratch: string
}

/** The findings that a refusal names. */
const MAX_SHOWN = 3

/**
 * Scans texts that an agent sends to a host's API, as the texts of a push are scanned. Returns why they are refused, or
 * undefined. Throws GateFault when they could not be scanned.
 */
export async function refuseTexts(
  { texts, decisions, scratch }: TextScan,
  settings: SecretsSettings,
  signal: AbortSignal,
): Promise<string | undefined> {
  signal.throwIfAborted()
  const deadline = AbortSignal.timeout(settings.seconds * 1000)
  try {
    await mkdir(scratch, { recursive: true, mode: 0o700 })
    const { newFindings } = await runScan(
      {
        ...NO_PUSH,
        git: { dir: scratch, env: {} },
        gitleaksConfig: decisions.gitleaksConfig,
        texts,
        limits: { ...defaultLimits, ...settings },
        gitleaks: settings.gitleaks,
        folder: scratch,
      },
      { signal: AbortSignal.any([signal, deadline]), onPhase: () => {} },
      settings,
    )
    const now = Date.now()
    const found = new Map<string, string>()
    for (const match of dropGenericDuplicates(newFindings)) {
      const id = fingerprint(match, decisions.repository.name, settings.fingerprintKey)
      if (!exceptionFor(id, decisions.exceptions, now)) found.set(id, match.rule)
    }
    return found.size === 0 ? undefined : explain([...found], decisions.repository.name)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof LimitExceeded) return `the text is too much to scan: ${error.message}`
    if (error instanceof GateFault) throw error
    throw new GateFault('the gate could not scan this text for secrets', { cause: error })
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

const explain = (found: readonly (readonly [id: string, rule: string])[], repository: string): string =>
  [
    `secret found in the text: ${[...new Set(found.map(([, rule]) => rule))].slice(0, MAX_SHOWN).join(', ')}`,
    'take it out of the text and send it again',
    `or, if it is not a secret, ask an operator: ${found
      .slice(0, MAX_SHOWN)
      .map(([id]) => `git gate exception add ${repository} ${id} --reason '<why it is not a secret>'`)
      .join('; ')}`,
  ].join('; ')
