import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Refusal } from '../../../src/contract/outcome.ts'
import { isDelete } from '../../git/command-list.ts'
import { type Check, GateFault, type IncomingPush, type Progress } from '../check.ts'
import { defaultLimits, LimitExceeded, type Limits } from '../limits.ts'
import { type NewObjects, newObjectsOf } from '../objects/new-objects.ts'
import { pushInParts } from '../remedy/push-in-parts.ts'
import { sanitizeForAgent } from '../sanitize-text.ts'
import { addContext } from './findings/finding-context.ts'
import { diffMaskOf } from './findings/mask-diff.ts'
import { reportFindings } from './findings/report-findings.ts'
import { predecessorsOf } from './new-text/predecessors.ts'
import { CleanObjects } from './scan/clean-objects.ts'
import { runScan } from './scan/run-scan.ts'
import { ScanDeadline } from './scan/scan-deadline.ts'
import type { ScanResult } from './scan/scan-job.ts'
import type { SecretsSettings } from './settings.ts'

export { type TextMask, textMask } from './findings/mask-diff.ts'
export { checkGitleaksConfig } from './gitleaks/config.ts'
export { refuseTexts, type TextScan } from './host-texts.ts'
export { type LfsDecisions, type LfsScan, type LfsVerdict, scanLfsObjects } from './lfs-objects.ts'
export { IN_PROCESS_BYTES } from './scan/run-scan.ts'

const PROGRESS_SECONDS = 3

/** Deleting refs introduces nothing. */
const hasNothingToScan = ({ commands, pushOptions }: IncomingPush) =>
  commands.every(isDelete) && pushOptions.length === 0
const scratchFolder = (push: IncomingPush) => join(push.scratch, 'secrets')

/** Refuses a push that introduces a secret for which no operator has granted an exception. */
export function secrets(settings: SecretsSettings): Check {
  const limits: Limits = { ...defaultLimits, ...settings }
  const clean = new CleanObjects()
  return {
    name: 'secrets',
    boundsItself: true,
    async run(push, sendProgress, signal) {
      if (hasNothingToScan(push)) return []
      using deadline = new ScanDeadline(settings.seconds * 1000)
      const progress = reportPhases(sendProgress)
      const folder = scratchFolder(push)
      try {
        await mkdir(folder, { mode: 0o700, recursive: true })
        const stop = AbortSignal.any([signal, deadline.signal])
        const newObjects = await newObjectsOf(push, limits, stop)
        const result = await scanPush(push, newObjects, { settings, limits, clean, progress, deadline, stop })
        const refusals = reportFindings(result, { push, newObjects, key: settings.fingerprintKey })
        const mask = diffMaskOf(result)
        if (push.record.isScanned) push.record.diffMask = mask
        if (mask) await addContext(push.git, push.record.findings, mask, stop)
        return refusals
      } catch (error) {
        if (error instanceof LimitExceeded) return refuseOverLimit(push, error)
        if (deadline.ended === 'slow' && !signal.aborted)
          return refuseTooSlow(push, await newObjectsOf(push, limits, signal))
        throw asFault(error, { deadline, signal, seconds: settings.seconds })
      } finally {
        progress.stop()
        await rm(folder, { recursive: true, force: true })
      }
    },
  }
}

interface ScanContext {
  readonly settings: SecretsSettings
  readonly limits: Limits
  readonly clean: CleanObjects
  readonly progress: PhaseReporter
  readonly deadline: ScanDeadline
  readonly stop: AbortSignal
}

async function scanPush(
  push: IncomingPush,
  newObjects: NewObjects,
  { settings, limits, clean, progress, deadline, stop }: ScanContext,
): Promise<ScanResult> {
  const { entries: _, sizes, ...searchable } = newObjects
  deadline.addBytes(sizes.values().reduce((sum, size) => sum + size, 0))
  const { scanned } = push.record
  scanned.objects += searchable.commits.size + searchable.blobs.size + searchable.tags.length
  const { gitleaksConfig } = push.pass
  const repository = push.pass.repository.name
  const knownClean = await clean.of(repository, gitleaksConfig, settings.gitleaks)
  const result = await runScan(
    {
      git: { dir: push.git.dir, env: push.git.env },
      commands: push.commands,
      pushOptions: push.pushOptions,
      gitleaksConfig,
      newObjects: searchable,
      predecessors: predecessorsOf(newObjects),
      knownClean,
      limits,
      gitleaks: settings.gitleaks,
      folder: scratchFolder(push),
    },
    {
      signal: stop,
      onPhase: phase => {
        deadline.progress()
        progress.onPhase(phase)
      },
      onScanned: bytes => {
        // Archives unpack to more than was received.
        deadline.addBytes(bytes)
        scanned.bytes += bytes
        scanned.gitleaks += 1
      },
    },
    settings,
    push.git,
  )
  if (knownClean && result.clean) clean.add(repository, knownClean, result.clean)
  return result
}

interface PhaseReporter {
  readonly onPhase: (phase: string) => void
  readonly stop: () => void
}

/** Sends the current phase to the agent every few seconds. */
function reportPhases(sendProgress: Progress): PhaseReporter {
  let phase = 'listing what is new'
  const started = performance.now()
  const timer = setInterval(() => {
    sendProgress(`secrets: ${phase} (${Math.round((performance.now() - started) / 1000)} s)`)
  }, PROGRESS_SECONDS * 1000)
  return {
    onPhase: current => {
      phase = current
    },
    stop: () => clearInterval(timer),
  }
}

function asFault(
  error: unknown,
  { deadline, signal, seconds }: { deadline: ScanDeadline; signal: AbortSignal; seconds: number },
): GateFault {
  if (deadline.ended)
    return new GateFault(`the gate's scan for secrets made no progress for ${seconds} s`, { cause: error })
  if (signal.aborted) return new GateFault('the scan for secrets was stopped', { cause: error })
  if (error instanceof GateFault) return error
  return new GateFault('the gate could not scan this push for secrets', { cause: error })
}

/** Refuses a push that is beyond a limit of the scan. It is the agent's to make it smaller, so it is no fault. */
function refuseOverLimit(push: IncomingPush, limit: LimitExceeded): Refusal[] {
  return push.commands
    .filter(command => !isDelete(command))
    .map(({ ref }) => ({
      ref,
      reason: 'too much to scan',
      detail: [`The gate scans all of a push or refuses it: ${sanitizeForAgent(limit.message)}.`],
      remedy: [`Please ${limit.remedy}.`],
    }))
}

/** Refuses a push whose scan takes too long for its size. Its parts are scanned by themselves. */
function refuseTooSlow(push: IncomingPush, { commits }: NewObjects): Refusal[] {
  return push.commands
    .filter(command => !isDelete(command))
    .map(command => ({
      ref: command.ref,
      reason: 'too much to scan at once',
      detail: ['The gate scans all of a push or refuses it, and this one takes too long.'],
      remedy: pushInParts([command], commits),
    }))
}
