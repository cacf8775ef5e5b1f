import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { GateFault } from '../../check.ts'
import { gitleaksOver, LEAKS, type WaitingGitleaks } from './gitleaks-process.ts'
import type { Packs } from './scan-files.ts'

export const CANARY_RULE = 'git-gate-canary'
export const gateConfig = fileURLToPath(new URL('../../../gitleaks/gitleaks.toml', import.meta.url))

/** A match as gitleaks reports it, in one of the packed files. */
export interface Leak {
  readonly rule: string
  readonly file: string
  readonly line: number
  readonly endLine: number
  readonly secret: string
  readonly match: string
}

const Reported = z.object({
  rule: z.string(),
  file: z.string(),
  line: z.number().int(),
  endLine: z.number().int(),
  secret: z.string(),
  match: z.string(),
})

export interface GitleaksRun {
  readonly gitleaks: string
  readonly config: string
  readonly packs: Packs
  readonly signal: AbortSignal
  /** One that was started ahead over a folder. */
  readonly waiting?: WaitingGitleaks | undefined
  /** Told how many bytes it is given, and whether a gitleaks was started for them. */
  readonly given?: ((bytes: number, started: boolean) => void) | undefined
}

/**
 * One run over everything packed. It answers only when there is proof that gitleaks has read all of it: its own exit
 * code for leaks, nothing on stderr that is not known to be harmless, the number of bytes handed over, and the canary
 * of every file. Anything else throws GateFault.
 */
export async function runGitleaks(options: GitleaksRun): Promise<Leak[]> {
  const { gitleaks, config, packs, signal, waiting, given } = options
  const isAhead = waiting?.folder === packs.folder
  given?.(packs.bytes, !isAhead)
  const scanned = isAhead ? waiting.go() : gitleaksOver({ gitleaks, config, folder: packs.folder, signal })
  const ended = await scanned.catch((error: unknown) => {
    signal.throwIfAborted()
    throw doubt('gitleaks could not be run', error)
  })
  if (ended.code !== LEAKS) throw doubt(`gitleaks ended with ${ended.signal ?? ended.code}`)
  const leaks = readReport(ended.stdout.toString('utf8'))
  judgeLog(ended.stderr, packs.bytes, leaks.length)

  const canaries = new Set(
    leaks.flatMap(leak =>
      leak.rule === CANARY_RULE && leak.secret === packs.canary ? [`${leak.file}:${leak.line}`] : [],
    ),
  )
  for (const pack of packs.written)
    if (!canaries.has(`${pack.name}:${pack.canaryLine}`))
      throw doubt('gitleaks has not read all that it was given')
  return leaks.filter(leak => leak.rule !== CANARY_RULE)
}

function doubt(what: string, cause?: unknown): GateFault {
  return new GateFault(`the gate could not scan this push for secrets: ${what}`, { cause })
}

function readReport(text: string): Leak[] {
  try {
    return text
      .split('\n')
      .filter(line => line.trim() !== '')
      .map(line => Reported.parse(JSON.parse(line)))
  } catch {
    // The cause would quote the report, and with it a secret.
    throw doubt("gitleaks' report cannot be read")
  }
}

/** Every line of the log is one of the three that a whole scan prints, and they agree with what was handed over. */
function judgeLog(log: string, bytes: number, leaks: number): void {
  let read: number | undefined
  let told: number | undefined
  for (const line of log.split('\n')) {
    if (line.trim() === '') continue
    const scanned = /^\S+ INF scanned ~(\d+) bytes \(.*\) in \S+$/.exec(line)
    const found = /^\S+ WRN leaks found: (\d+)$/.exec(line)
    if (scanned) read = Number(scanned[1])
    else if (found) told = Number(found[1])
    else throw doubt('gitleaks gave a warning')
  }
  if (read !== bytes) throw doubt(`gitleaks has read ${read ?? 'none'} of ${bytes} bytes`)
  if (told !== leaks) throw doubt(`gitleaks has found ${told ?? 'none'} and reports ${leaks}`)
}
