import type { BuildOptions } from 'esbuild'
import type { Bundle } from './bundle-cache.ts'

let running = 0

/**
 * Bundles a module and all that it imports into one module. The inputs are relative to `absWorkingDir`. esbuild's
 * process, of 65 MB, ends with the last of the builds that run: its end would leave another build pending for good.
 */
export async function buildBundle(entry: string, options: BuildOptions): Promise<Bundle> {
  const esbuild = await import('esbuild')
  running += 1
  try {
    const { outputFiles, metafile } = await esbuild.build({
      ...options,
      entryPoints: [entry],
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      logLevel: 'silent',
    })
    const [output] = outputFiles
    if (!output) throw new Error(`esbuild built nothing of ${entry}`)
    return { code: output.text, inputs: Object.keys(metafile.inputs) }
  } finally {
    running -= 1
    if (running === 0) await esbuild.stop()
  }
}
