import fs from 'node:fs'
import { isBuiltin } from 'node:module'
import path from 'node:path'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { projectRoot } from '../../local/worker/bundle.ts'

/** Lists the packages that the Dockerfile copies into the companion's image. */
function companionPackages(): string[] {
  const dockerfile = fs.readFileSync(path.join(projectRoot, 'container/image/Dockerfile'), 'utf8')
  const [, names = ''] = /for package in ([^;]+); do cp/.exec(dockerfile) ?? []
  return names.split(/\s+/).sort()
}

/** Lists the packages that `npm ci --omit=dev` installs by name. */
function productionPackages(): string[] {
  const { dependencies } = z
    .object({ dependencies: z.record(z.string(), z.string()) })
    .parse(JSON.parse(fs.readFileSync(path.join(projectRoot, 'package.json'), 'utf8')))
  return Object.keys(dependencies)
}

/** Returns the files that these files import, directly or indirectly, with their imports. */
async function modulesOf(files: readonly string[]) {
  const { metafile } = await build({
    absWorkingDir: projectRoot,
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
  return metafile.inputs
}

/** Lists the npm packages that these files import, directly or indirectly. */
async function packagesOf(files: readonly string[]): Promise<string[]> {
  const imported = Object.values(await modulesOf(files)).flatMap(({ imports }) => imports)
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
  expect(companionPackages()).toEqual(imported)
})

test("the Worker's image has the npm packages that its code imports", async () => {
  const imported = await packagesOf(['local/serve-worker.ts', 'src/index.ts'])
  expect(productionPackages()).toEqual(expect.arrayContaining(imported))
})

test("the Worker's image has the files that its code imports", async () => {
  const dockerfile = fs.readFileSync(path.join(projectRoot, 'container/image/Dockerfile'), 'utf8')
  const [, stage = ''] = /AS worker\n([\s\S]*?)\nFROM /.exec(dockerfile) ?? []
  const copied = [...stage.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) =>
    names.split(' '),
  )
  const imported = Object.keys(await modulesOf(['local/serve-worker.ts', 'src/index.ts']))
  expect(
    imported.filter(file => !copied.some(place => file === place || file.startsWith(`${place}/`))),
  ).toEqual([])
})
