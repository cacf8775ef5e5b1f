import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { bundledProgram } from '../../local/process/bundled-program.ts'
import { projectRoot } from '../../local/worker/bundle.ts'
import { gitGate } from '../cli/command.ts'

let folder: string
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-cli-'))
})
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

const run = (module: string, ...args: string[]) =>
  execFileSync(process.execPath, [module, ...args], { encoding: 'utf8', env: {} })

test('a bundled program does as its modules, and is built once', async () => {
  const bundle = await bundledProgram('cli/main.ts', folder)
  expect(bundle).toBe(path.join(folder, 'cli.mjs'))
  const { ino } = fs.statSync(bundle)
  expect(fs.statSync(await bundledProgram('cli/main.ts', folder)).ino).toBe(ino)
  const { version } = JSON.parse(fs.readFileSync(path.join(projectRoot, 'package.json'), 'utf8'))
  expect(run(bundle, '--version')).toBe(`${version}\n`)
  expect(run(bundle, 'grant', 'set', '--help')).toBe(
    run(path.join(projectRoot, 'cli/main.ts'), 'grant', 'set', '--help'),
  )
})

test('code that is kept for the next start is for its owner alone, whatever the umask', async () => {
  const usual = process.umask(0)
  onTestFinished(() => void process.umask(usual))
  const bundles = path.join(folder, 'bundles')
  const compiled = path.join(folder, 'compiled')
  await bundledProgram('cli/main.ts', bundles)
  await gitGate(['--version'], { env: { NODE_COMPILE_CACHE: compiled } })
  for (const kept of [bundles, path.join(bundles, 'cli.mjs'), compiled])
    expect(fs.statSync(kept).mode & 0o077).toBe(0)
})

test('programs that are built at the same time do not stop each other', async () => {
  const folders = ['a', 'b'].map(name => path.join(folder, name))
  const built = await Promise.all(folders.map(each => bundledProgram('cli/main.ts', each)))
  expect(built).toEqual(folders.map(each => path.join(each, 'cli.mjs')))
})

test('a program runs from its modules where a bundle cannot be kept', async () => {
  const file = path.join(folder, 'file')
  fs.writeFileSync(file, '')
  expect(await bundledProgram('cli/main.ts', path.join(file, 'cache'))).toBe(
    path.join(projectRoot, 'cli/main.ts'),
  )
})
