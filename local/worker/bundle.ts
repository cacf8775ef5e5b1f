import path from 'node:path'
import { buildBundle } from '../process/build-bundle.ts'
import { type Bundle, readBundle, writeBundle } from '../process/bundle-cache.ts'
import { COMPILE_CACHE } from '../process/compile-cache.ts'

export const projectRoot = path.resolve(import.meta.dirname, '../..')

const CACHE = path.join(COMPILE_CACHE, 'worker.js')

/** esbuild does not list these among the files that it has read. */
const CONFIGURATION = [
  'local/worker/bundle.ts',
  'local/process/build-bundle.ts',
  'tsconfig.json',
  'src/tsconfig.json',
  'package-lock.json',
]

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
  const { code, inputs } = await buildBundle('src/index.ts', {
    absWorkingDir: projectRoot,
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    define: { 'process.env.NODE_ENV': '"production"' },
  })
  return { code, inputs: [...inputs, ...CONFIGURATION].map(file => path.join(projectRoot, file)) }
}
