import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Refusal } from '../../../src/contract/outcome.ts'
import { isDelete } from '../../push/command-list.ts'
import { type Check, GateFault, type IncomingPush } from '../check.ts'
import { defaultLimits, LimitExceeded, type Limits } from '../limits.ts'
import { introducedBy } from '../objects/new-objects.ts'
import { sanitizeForAgent } from './findings/redactor.ts'
import { reportFindings } from './findings/report-findings.ts'
import { scanConfig } from './gitleaks/config.ts'
import { type PrewarmedGitleaks, prewarmGitleaks } from './gitleaks/gitleaks-process.ts'
import { runScan } from './scan/run-scan.ts'

export interface SecretsSettings extends Partial<Limits> {
  /** The gitleaks binary. */
  readonly gitleaks: string
  /** How long one scan may take, in seconds. */
  readonly seconds: number
  readonly maxBlobBytes: number
  /** What is beyond any of these is scanned in a process of its own. */
  readonly inProcessLimits?: Partial<Limits>
  /** The heap of that process, in MiB: objects' names and places, not their contents, are what it is for. */
  readonly childHeapMib?: number
  /** The key of fingerprints; it has to stay the same, or exceptions lapse. */
  readonly fingerprintKey: string
}

const PROGRESS_SECONDS = 3

/** A gitleaks that was started before the check's turn. */
interface Prewarmed {
  readonly waiting: Promise<PrewarmedGitleaks>
  /** Ends it, if it has not ended; resolves when it has. */
  end(): Promise<void>
}

const ignore = () => {}
const scratchFolder = (push: IncomingPush) => join(push.scratch, 'secrets')

export { checkGitleaksConfig } from './gitleaks/config.ts'

/** Nothing that a push introduces holds a secret, or an operator has excepted it. */
export function secrets(settings: SecretsSettings): Check {
  const limits: Limits = { ...defaultLimits, ...settings }
  const prewarmed = new WeakMap<IncomingPush, Prewarmed>()
  const prewarm = async (push: IncomingPush, signal: AbortSignal): Promise<PrewarmedGitleaks> => {
    const folder = scratchFolder(push)
    await mkdir(folder, { mode: 0o700 })
    const { path: config } = await scanConfig(push.pass.gitleaksConfig, folder)
    const { gitleaks } = settings
    push.record.scanned.gitleaks += 1
    return prewarmGitleaks(
      { gitleaks, config, folder: join(folder, 'ahead'), signal },
      join(folder, 'ignored'),
    )
  }
  return {
    name: 'secrets',
    async prepare(push, signal) {
      if (push.commands.every(isDelete)) return
      const stop = new AbortController()
      const waiting = prewarm(push, AbortSignal.any([signal, stop.signal]))
      const ended = waiting.then(({ ended }) => ended).then(ignore, ignore)
      const end = () => {
        stop.abort()
        return ended
      }
      prewarmed.set(push, { waiting, end })
      await ended
    },
    async run(push, sendProgress, signal) {
      if (push.commands.every(isDelete)) return []
      const deadline = AbortSignal.timeout(settings.seconds * 1000)
      const stop = AbortSignal.any([signal, deadline])
      const folder = scratchFolder(push)
      let phase = 'listing what is new'
      const started = performance.now()
      const progress = setInterval(() => {
        sendProgress(`secrets: ${phase} (${Math.round((performance.now() - started) / 1000)} s)`)
      }, PROGRESS_SECONDS * 1000)
      try {
        await mkdir(folder, { mode: 0o700, recursive: true })
        const all = await introducedBy(push, limits, stop)
        const { entries: _, sizes: __, ...introduced } = all
        const { scanned } = push.record
        scanned.objects += introduced.commits.size + introduced.blobs.size + introduced.tags.length
        const found = await runScan(
          {
            git: { dir: push.git.dir, env: push.git.env },
            commands: push.commands,
            gitleaksConfig: push.pass.gitleaksConfig,
            newObjects: introduced,
            limits,
            gitleaks: settings.gitleaks,
            folder,
          },
          {
            signal: stop,
            prewarmed: await prewarmed.get(push)?.waiting,
            onPhase: current => {
              phase = current
            },
            onScanned: (bytes, started) => {
              scanned.bytes += bytes
              if (started) scanned.gitleaks += 1
            },
          },
          settings,
        )
        return reportFindings(found, { push, newObjects: all, key: settings.fingerprintKey })
      } catch (error) {
        if (error instanceof LimitExceeded) return refuseOverLimit(push, error)
        if (deadline.aborted)
          throw new GateFault(`the gate could not scan this push for secrets within ${settings.seconds} s`, {
            cause: error,
          })
        if (signal.aborted) throw new GateFault('the scan for secrets was stopped', { cause: error })
        if (error instanceof GateFault) throw error
        throw new GateFault('the gate could not scan this push for secrets', { cause: error })
      } finally {
        clearInterval(progress)
        await prewarmed.get(push)?.end()
        await rm(folder, { recursive: true, force: true })
      }
    },
  }
}

/** A push beyond what the gate is ready to look at: refused, and it is not the gate's fault. */
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
