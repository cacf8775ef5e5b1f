import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { GateFault } from '../../check.ts'
import { LEAKS_EXIT_CODE, startGitleaks } from './gitleaks-process.ts'
import type { ScanFileWriter } from './scan-files.ts'

const CANARY_RULE = 'git-gate-canary'
export const gateConfigPath = fileURLToPath(new URL('../../../gitleaks/gitleaks.toml', import.meta.url))

/** A match as gitleaks reports it, in one of the scan files. */
export interface GitleaksMatch {
  readonly rule: string
  readonly file: string
  readonly line: number
  readonly endLine: number
  readonly secret: string
  readonly match: string
}

const ReportLine = z.object({
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
  readonly scanFiles: ScanFileWriter
  readonly signal: AbortSignal
  /** Receives the bytes given to gitleaks, for each of its processes. */
  readonly onScanned?: ((bytes: number) => void) | undefined
}

/**
 * Runs gitleaks over all scan files. It returns only with proof that gitleaks has read them all: its exit code for
 * leaks, a log with nothing but the lines of a full scan, the number of bytes, and the canary of every file. Throws
 * GateFault otherwise.
 */
export async function runGitleaks(options: GitleaksRun): Promise<GitleaksMatch[]> {
  const { gitleaks, config, scanFiles, signal, onScanned } = options
  onScanned?.(scanFiles.bytes)
  const result = await startGitleaks({ gitleaks, config, folder: scanFiles.folder, signal }).catch(
    (error: unknown) => {
      signal.throwIfAborted()
      throw scanFailed('gitleaks could not be run', error)
    },
  )
  if (result.code !== LEAKS_EXIT_CODE) throw scanFailed(`gitleaks ended with ${result.signal ?? result.code}`)
  const matches = readReport(result.stdout.toString('utf8'))
  verifyLog(result.stderr, scanFiles.bytes, matches.length)

  const canaries = new Set(
    matches.flatMap(match =>
      match.rule === CANARY_RULE && match.secret === scanFiles.canary ? [`${match.file}:${match.line}`] : [],
    ),
  )
  for (const scanFile of scanFiles.files)
    if (!canaries.has(`${scanFile.name}:${scanFile.canaryLine}`))
      throw scanFailed('gitleaks has not read all that it was given')
  return matches.filter(match => match.rule !== CANARY_RULE)
}

function scanFailed(problem: string, cause?: unknown): GateFault {
  return new GateFault(`the gate could not scan this push for secrets: ${problem}`, { cause })
}

function readReport(text: string): GitleaksMatch[] {
  try {
    return text
      .split('\n')
      .filter(line => line.trim() !== '')
      .map(line => ReportLine.parse(JSON.parse(line)))
  } catch {
    // The parse error would quote the report, and with it a secret.
    throw scanFailed("gitleaks' report cannot be read")
  }
}

/** Checks that the log has only the lines of a full scan, and that they agree with the bytes given and the report. */
function verifyLog(log: string, bytes: number, matches: number): void {
  let readBytes: number | undefined
  let foundCount: number | undefined
  for (const line of log.split('\n')) {
    if (line.trim() === '') continue
    const scanned = /^\S+ INF scanned ~(\d+) bytes \(.*\) in \S+$/.exec(line)
    const found = /^\S+ WRN leaks found: (\d+)$/.exec(line)
    if (scanned) readBytes = Number(scanned[1])
    else if (found) foundCount = Number(found[1])
    else throw scanFailed('gitleaks gave a warning')
  }
  if (readBytes !== bytes) throw scanFailed(`gitleaks has read ${readBytes ?? 'none'} of ${bytes} bytes`)
  if (foundCount !== matches)
    throw scanFailed(`gitleaks has found ${foundCount ?? 'none'} and reports ${matches}`)
}
