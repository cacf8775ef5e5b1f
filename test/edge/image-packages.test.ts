import fs from 'node:fs'
import { isBuiltin } from 'node:module'
import path from 'node:path'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { projectRoot } from '../../local/worker/bundle.ts'

/** The npm packages that the Dockerfile puts into a folder, but for those of one machine type alone. */
function packagesIn(folder: string): string[] {
  const dockerfile = fs.readFileSync(path.join(projectRoot, 'container/image/Dockerfile'), 'utf8')
  const lines = dockerfile.replaceAll(/\\\n/g, ' ').split('\n')
  const installs = lines.flatMap(
    line => line.split(`install-packages.ts ${folder}/package-lock.json ${folder} `)[1] ?? [],
  )
  const named = installs.flatMap(names => names.trim().split(/\s+/))
  return named.filter(name => !name.includes('$')).sort()
}

/** The npm packages that these files import, by what they import in turn. */
async function packagesOf(files: readonly string[]): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: files.map(file => path.join(projectRoot, file)),
    bundle: true,
    write: false,
    metafile: true,
    outdir: 'nowhere',
    format: 'esm',
    platform: 'node',
    packages: 'external',
    external: ['cloudflare:*'],
    loader: { '.html': 'text', '.txt': 'text', '.sql': 'text' },
    logLevel: 'silent',
  })
  const imported = Object.values(metafile.inputs).flatMap(({ imports }) => imports)
  const outside = imported
    .filter(({ external, path }) => external && !isBuiltin(path))
    .map(({ path }) => path)
  const names = outside
    .filter(name => !name.startsWith('cloudflare:'))
    .map(name => /^(@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name)
  return [...new Set(names)].sort()
}

const sources = (folder: string) =>
  fs
    .readdirSync(path.join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => path.join(folder, name))

test("the companion's image has the npm packages that its code imports, and no others", async () => {
  const imported = await packagesOf([...sources('container'), ...sources('src/contract')])
  expect(packagesIn('/build')).toEqual(imported)
})

test("the Worker's image has the npm packages that its code imports, and no others", async () => {
  const imported = await packagesOf(['local/serve-worker.ts', 'src/index.ts'])
  expect(packagesIn('/build/worker')).toEqual(imported)
})
