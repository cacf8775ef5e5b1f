import { mkdir, open, rename, writeFile } from 'node:fs/promises'
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

/** Runs gitleaks over all files of a folder. `ignore` is the path of the list of ignored findings. */
export function startGitleaks(
  { gitleaks, config, folder, signal }: GitleaksStart,
  ignore = '/dev/null',
): Promise<ProcessResult> {
  const args = [
    'dir',
    '.',
    ...['--config', config],
    ...['--exit-code', String(LEAKS_EXIT_CODE)],
    ...['--gitleaks-ignore-path', ignore],
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

/** A gitleaks process that was started before its texts were written. */
export interface PrewarmedGitleaks {
  readonly folder: string
  readonly ended: Promise<ProcessResult>
  /** Lets gitleaks read the folder's files, and resolves when it has ended. */
  release(): Promise<ProcessResult>
}

/**
 * Starts gitleaks before its texts are written, since compiling its rules takes longer than a small scan. gitleaks
 * reads its list of ignored findings after that and before any file. The list is a FIFO (fifo(7)) that ends, empty,
 * when the texts are there.
 */
export async function prewarmGitleaks(start: GitleaksStart, fifo: string): Promise<PrewarmedGitleaks> {
  const { folder, signal } = start
  await mkdir(folder, { mode: 0o700 })
  const mkfifo = await run('mkfifo', ['-m', '600', fifo], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '' },
    signal,
  })
  if (mkfifo.code !== 0) throw new Error(`mkfifo: ${mkfifo.stderr.trim()}`)
  // Opened for reading and writing, since opening for writing alone would wait for gitleaks.
  const fifoHandle = await open(fifo, 'r+')
  const ended = startGitleaks(start, fifo).finally(() => fifoHandle.close())
  ended.catch(() => {})
  return {
    folder,
    ended,
    async release() {
      // A gitleaks that has not opened the FIFO yet finds an empty file.
      await writeFile(`${fifo}.empty`, '')
      await rename(`${fifo}.empty`, fifo)
      await fifoHandle.close()
      return ended
    },
  }
}
