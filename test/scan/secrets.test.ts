import { readdir } from 'node:fs/promises'
import { afterEach, expect, test } from 'vitest'
import type { IncomingPush } from '../../container/checks/check.ts'
import { secrets } from '../../container/checks/secrets.ts'
import { githubToken } from './fakes.ts'
import { gitleaks } from './gitleaks.ts'
import { type WorkTree, workTree } from './repositories.ts'

const check = secrets({ gitleaks, seconds: 60, maxBlobBytes: 50 << 20, fingerprintKey: 'a key for tests' })

const trees: WorkTree[] = []
afterEach(async () => {
  for (const tree of trees.splice(0)) await tree.dispose()
})
const started = async () => {
  const tree = await workTree()
  trees.push(tree)
  return tree
}
const scanned = (push: IncomingPush) => check.run(push, () => {}, new AbortController().signal)

test('a token in a file of the newest commit is refused, named, and never shown', async () => {
  const tree = await started()
  const token = githubToken()
  await tree.write('src/app.ts', `import x from 'x'\nconst token = "${token}"\n`)
  const commit = await tree.commit()
  const push = await tree.push(['main'])
  const [refusal, ...more] = await scanned(push)
  expect(more).toEqual([])
  expect(refusal).toMatchObject({
    ref: 'refs/heads/main',
    reason: 'secret found: github-pat in src/app.ts:2',
  })
  expect(refusal?.remedy).toContain('  git add -- src/app.ts && git commit --amend --no-edit')
  expect(push.record.findings).toMatchObject([{ rule: 'github-pat', path: 'src/app.ts', line: 2, commit }])
  expect(JSON.stringify([refusal, push.record])).not.toContain(token)
  expect(await readdir(push.scratch)).toEqual([])
})

test('a push without secrets passes', async () => {
  const tree = await started()
  await tree.write('src/app.ts', 'export const answer = 42\n')
  await tree.commit()
  expect(await scanned(await tree.push(['main']))).toEqual([])
})
