import { mkdir, open, rename, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type Ended, run } from '../../../process/spawn.ts'

/** The exit code for "leaks found": gitleaks' own default is also its code for errors. */
export const LEAKS_EXIT_CODE = 77
/** The most of a report that is read, in bytes. */
const MAX_REPORT_BYTES = 64 << 20

const reportTemplate = fileURLToPath(new URL('../../../gitleaks/report.tmpl', import.meta.url))

export interface GitleaksStart {
  readonly gitleaks: string
  readonly config: string
  /** The folder of the texts, and the working directory, so that no part of a longer path can match an allow-list. */
  readonly folder: string
  readonly signal: AbortSignal
}

/** gitleaks over all files of a folder, from its start to its end. */
export function startGitleaks(
  { gitleaks, config, folder, signal }: GitleaksStart,
  ignore = '/dev/null',
): Promise<Ended> {
  const args = [
    'dir',
    '.',
    ...['--config', config],
    ...['--exit-code', String(LEAKS_EXIT_CODE)],
    ...['--gitleaks-ignore-path', ignore],
    // The gate has decoded what there is (in-place.ts).
    ...['--max-decode-depth', '0'],
    ...['--max-archive-depth', '0'],
    ...['--report-format', 'template', '--report-template', reportTemplate, '--report-path', '-'],
    '--ignore-gitleaks-allow',
    '--redact=0',
    '--no-banner',
    '--no-color',
    '--log-level=info',
  ]
  // Go collects garbage only once its heap has become so large: over a small text it takes a quarter less time.
  const env = { HOME: folder, TMPDIR: folder, GOGC: 'off', GOMEMLIMIT: '128MiB' }
  return run(gitleaks, args, { cwd: folder, env, signal, maxOutput: MAX_REPORT_BYTES })
}

/** A gitleaks that has begun before its texts are there. */
export interface PrewarmedGitleaks {
  readonly folder: string
  readonly ended: Promise<Ended>
  /** Lets it look at the folder, as it is now. */
  release(): Promise<Ended>
}

/**
 * Starts gitleaks ahead: making its rules ready takes it longer than a small scan. It reads its list of ignored
 * findings after that and before it looks at any file, so the list is a FIFO (fifo(7)) that ends, empty, when the
 * texts are there. Started while the texts are gathered, it has what it needs by then.
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
  // Open in both directions, since to write alone would wait for the reader.
  const fifoHandle = await open(fifo, 'r+')
  const ended = startGitleaks(start, fifo).finally(() => fifoHandle.close())
  ended.catch(() => {})
  return {
    folder,
    ended,
    async release() {
      // Should it not have opened the list yet, it finds an empty file there.
      await writeFile(`${fifo}.empty`, '')
      await rename(`${fifo}.empty`, fifo)
      await fifoHandle.close()
      return ended
    },
  }
}
