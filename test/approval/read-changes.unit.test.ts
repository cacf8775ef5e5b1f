import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { createGit } from '../../container/git/git.ts'
import { EMPTY_TREE } from '../../container/git/objects/object-format.ts'
import { readFiles, readText } from '../../container/push/diff/read-changes.ts'

test('a diff that git could not read to its end is shown as a part', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-diff-'))
  using _ = { [Symbol.dispose]: () => fs.rmSync(folder, { recursive: true }) }
  const run = (args: string[], input = '') =>
    execFileSync('git', args, { cwd: folder, input, encoding: 'utf8' }).trim()
  run(['init', '-q', '--bare'])
  const files = ['a', 'b', 'c'].map(
    name => [name, run(['hash-object', '-w', '--stdin'], `${name}\n`)] as const,
  )
  const to = run(['mktree'], files.map(([name, id]) => `100644 blob ${id}\t${name}\n`).join(''))
  const git = createGit(folder, { PATH: process.env.PATH ?? '' })
  const signal = AbortSignal.timeout(20_000)
  const range = { from: EMPTY_TREE.sha1, to, shares: 1 }
  expect(await readText(git, range, undefined, signal)).toMatchObject({ truncated: false })
  expect(await readFiles(git, range, signal)).toMatchObject({ hasMoreFiles: false })
  const [, [, id]] = files as [unknown, readonly [string, string]]
  fs.rmSync(path.join(folder, 'objects', id.slice(0, 2), id.slice(2)))
  expect(await readText(git, range, undefined, signal)).toMatchObject({ truncated: true })
  expect(await readFiles(git, range, signal)).toMatchObject({ hasMoreFiles: true })
})
