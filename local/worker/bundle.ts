import path from 'node:path'
import { COMPILE_CACHE } from '../process/compile-cache.ts'
import { type Bundle, readBundle, writeBundle } from './bundle-cache.ts'

export const projectRoot = path.resolve(import.meta.dirname, '../..')

const CACHE = path.join(COMPILE_CACHE, 'worker.js')

/** esbuild does not list these among the files that it has read. */
const CONFIGURATION = ['local/worker/bundle.ts', 'tsconfig.json', 'src/tsconfig.json', 'package-lock.json']

/** Returns the Worker as one module. It is built if a file of it has changed since the last build. */
export async function bundleWorker(): Promise<string> {
  const cached = readBundle(CACHE)
  if (cached !== undefined) return cached
  const began = Date.now()
  const bundle = await build()
  writeBundle(CACHE, bundle, began)
  return bundle.code
}

/** Bundles the Worker into one module, as wrangler does. */
async function build(): Promise<Bundle> {
  const esbuild = await import('esbuild')
  const { outputFiles, metafile } = await esbuild.build({
    absWorkingDir: projectRoot,
    entryPoints: ['src/index.ts'],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'silent',
  })
  const [output] = outputFiles
  // Without stop, esbuild's process stays for another build, with 65 MB.
  await esbuild.stop()
  if (!output) throw new Error('esbuild built nothing of src/index.ts')
  const inputs = [...Object.keys(metafile.inputs), ...CONFIGURATION]
  return { code: output.text, inputs: inputs.map(file => path.join(projectRoot, file)) }
}
