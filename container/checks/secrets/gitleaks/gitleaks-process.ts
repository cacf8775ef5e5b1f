import { fileURLToPath } from 'node:url'
import { childMemoryOf } from '../../../process/memory-limit.ts'
import { type ProcessResult, run } from '../../../process/spawn.ts'

/** The exit code for "leaks found". gitleaks uses its default, 1, for errors too. */
export const LEAKS_EXIT_CODE = 77
/** The longest report that is read, in bytes. */
const MAX_REPORT_BYTES = 64 << 20

/** The least memory limit of gitleaks, in bytes. RE2 holds compiled rules outside of the heap that Go limits. */
const MEMORY_BYTES = 512 << 20

const reportTemplate = fileURLToPath(new URL('../../../gitleaks/report.tmpl', import.meta.url))

export interface GitleaksStart {
  readonly gitleaks: string
  readonly config: string
  /**
   * The folder that is scanned. It is the working directory too, so that no parent folder's name can match an
   * allow-list.
   */
  readonly folder: string
  readonly signal: AbortSignal
}

/** Runs gitleaks over all files of a folder. */
export function startGitleaks({ gitleaks, config, folder, signal }: GitleaksStart): Promise<ProcessResult> {
  const args = [
    'dir',
    '.',
    ...['--config', config],
    ...['--exit-code', String(LEAKS_EXIT_CODE)],
    ...['--gitleaks-ignore-path', '/dev/null'],
    // The gate decodes and unpacks before the scan.
    ...['--max-decode-depth', '0'],
    ...['--max-archive-depth', '0'],
    ...['--report-format', 'template', '--report-template', reportTemplate, '--report-path', '-'],
    '--ignore-gitleaks-allow',
    '--redact=0',
    '--no-banner',
    '--no-color',
    '--log-level=info',
  ]
  // The Go runtime collects garbage only above this heap size. A small scan takes a quarter less time so.
  const env = { HOME: folder, TMPDIR: folder, GOGC: 'off', GOMEMLIMIT: '128MiB' }
  const memoryBytes = childMemoryOf(MEMORY_BYTES)
  return run(gitleaks, args, { cwd: folder, env, signal, memoryBytes, maxOutput: MAX_REPORT_BYTES })
}
