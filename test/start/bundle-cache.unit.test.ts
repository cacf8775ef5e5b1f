import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readBundle, writeBundle } from '../../local/process/bundle-cache.ts'

let folder: string
let cache: string
let inputs: string[]
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-bundle-'))
  cache = path.join(folder, 'cache/worker.js')
  inputs = ['a.ts', 'b.ts'].map(name => path.join(folder, name))
  for (const file of inputs) fs.writeFileSync(file, 'one')
})
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

const later = () => Date.now() + 1000
const code = 'export default 1\n\n// two lines\n'

test('a bundle comes from the cache while its files are unchanged', () => {
  expect(readBundle(cache)).toBeUndefined()
  writeBundle(cache, { code, inputs }, later())
  expect(readBundle(cache)).toBe(code)
})

test.each([
  ['is written again, with the same size', (file: string) => fs.writeFileSync(file, 'two')],
  ['is removed', (file: string) => fs.rmSync(file)],
  [
    'is replaced by another of the same size and time',
    (file: string) => {
      const { atime, mtime } = fs.statSync(file)
      fs.writeFileSync(`${file}.new`, 'two')
      fs.utimesSync(`${file}.new`, atime, mtime)
      fs.renameSync(`${file}.new`, file)
    },
  ],
])('a bundle is built again when one of its files %s', (_, change) => {
  writeBundle(cache, { code, inputs }, later())
  change(inputs[1] ?? '')
  expect(readBundle(cache)).toBeUndefined()
})

test('a copy of the tree builds its own bundle', () => {
  writeBundle(cache, { code, inputs }, later())
  const copy = `${folder}-copy`
  fs.cpSync(folder, copy, { recursive: true, preserveTimestamps: true })
  try {
    expect(readBundle(path.join(copy, 'cache/worker.js'))).toBeUndefined()
  } finally {
    fs.rmSync(copy, { recursive: true })
  }
})

test('a bundle is not cached when one of its files changed during the build', () => {
  writeBundle(cache, { code, inputs }, Date.now() - 60_000)
  expect(readBundle(cache)).toBeUndefined()
})

test('a cache that is no bundle, or that cannot be written, is ignored', () => {
  fs.writeFileSync(path.join(folder, 'cache'), 'a file in the place of the folder')
  writeBundle(cache, { code, inputs }, later())
  expect(readBundle(cache)).toBeUndefined()
  expect(readBundle(path.join(folder, 'cache'))).toBeUndefined()
})
