import path from 'node:path'
import { build, stop } from 'esbuild'

export const projectRoot = path.resolve(import.meta.dirname, '../..')

/** Bundles the Worker into one module, as wrangler does. */
export async function bundleWorker(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path.join(projectRoot, 'src/index.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    loader: { '.html': 'text', '.txt': 'text', '.sql': 'text' },
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'silent',
  })
  const [output] = outputFiles
  // Without stop, esbuild's process stays for another build, with 65 MB.
  await stop()
  if (!output) throw new Error('esbuild built nothing of src/index.ts')
  return output.text
}
