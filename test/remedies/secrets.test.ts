import { execFileSync } from 'node:child_process'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import type { IncomingPush } from '../../container/checks/check.ts'
import { secrets } from '../../container/checks/secrets/index.ts'
import type { Finding, Refusal } from '../../src/contract/outcome.ts'
import { githubToken } from '../scan/fixtures/fakes.ts'
import { gitleaks } from '../scan/fixtures/gitleaks.ts'
import { templates, type WorkTree, workTree } from '../scan/fixtures/repositories.ts'

const settings = { gitleaks, seconds: 60, maxBlobBytes: 50 << 20, fingerprintKey: 'a key for tests' }
const check = secrets(settings)
const scanned = (push: IncomingPush, by = check) => by.run(push, () => {}, new AbortController().signal)

let tree: WorkTree
beforeEach(async () => {
  tree = await workTree()
})
afterEach(() => tree.dispose())
afterAll(() => templates.dispose())

/**
 * Follows a remedy line by line: runs its commands as printed, in a shell without an editor, and calls `edit` for each
 * line that asks for an edit by hand.
 */
async function followRemedy(refusal: Refusal | undefined, edit: () => Promise<unknown> = async () => {}) {
  const lines = refusal?.remedy ?? []
  const end = lines.findIndex(line => /^If it is no secret|^An operator has been asked/.test(line))
  for (const line of end < 0 ? lines : lines.slice(0, end)) {
    if (/^(?:Take the secret|Rename|Set) /.test(line)) await edit()
    if (!line.startsWith('  ')) continue
    execFileSync('sh', ['-c', line.replace('<message>', 'Clean')], {
      cwd: tree.dir,
      env: {
        ...process.env,
        HOME: `${tree.dir}/..`,
        GIT_CONFIG_GLOBAL: `${tree.dir}/../gitconfig`,
        GIT_EDITOR: 'false',
      },
      stdio: 'pipe',
    })
  }
}

const tokenLine = (secret = githubToken()) => `const token = "${secret}"\n`
const cleanLine = 'const token = process.env.TOKEN\n'
const subjects = () => tree.git('log', '--format=%s', 'origin-main..')

const onlyFinding = (findings: readonly Finding[]): Finding => {
  expect(findings).toHaveLength(1)
  return findings[0] as Finding
}

test('a secret in the newest commit: after the amend the push is accepted', async () => {
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
  expect(refusal?.detail[1]).toBe('  const token = "[redacted]')
  expect(refusal?.remedy.join('\n')).toContain('revoke it where it was issued')
  expect(refusal?.remedy.join('\n')).toContain('A later commit that deletes')
  expect(refusal?.remedy.at(-1)).toMatch(/^If it is no secret: put gitleaks:allow into that line/)
  expect(push.record.findings).toMatchObject([{ rule: 'github-pat', path: 'src/app.ts', line: 2, commit }])
  await followRemedy(refusal, () => tree.write('src/app.ts', 'const token = process.env.TOKEN\n'))
  expect(await scanned(await tree.push(['main']))).toEqual([])
})

test.each([
  ['rm', '--quiet'],
  ['rm', '--quiet', '--cached'],
])('a file with a secret that is removed with git %s %s stays removed', async (...remove) => {
  await tree.write('app.ts', 'app\n')
  await tree.write('.env', `TOKEN="${githubToken()}"\n`)
  await tree.commit('Secret')
  const [refusal] = await scanned(await tree.push(['main']))
  await followRemedy(refusal, () => tree.git(...remove, '.env'))
  expect(await scanned(await tree.push(['main']))).toEqual([])
  expect(await tree.git('ls-files')).toBe('README.md\napp.ts')
})

test('a secret in an older commit: after the rebase the push is accepted', async () => {
  await tree.write('a.txt', 'a\n')
  await tree.commit('Before')
  await tree.write('app.ts', `const token = "${githubToken()}"\n`)
  await tree.commit('Secret')
  await tree.write('b.txt', 'b\n')
  await tree.commit('After')
  const [refusal] = await scanned(await tree.push(['main']))
  expect(refusal?.remedy.join('\n')).toContain('git rebase --interactive')
  await followRemedy(refusal, () => tree.write('app.ts', 'const token = process.env.TOKEN\n'))
  expect(await scanned(await tree.push(['main']))).toEqual([])
  expect(await tree.git('log', '--format=%s', '-3')).toBe('After\nSecret\nBefore')
})

test('a secret in the message of an older commit: after the rebase the push is accepted', async () => {
  await tree.commit(`Use ${githubToken()}`)
  await tree.write('b.txt', 'b\n')
  await tree.commit('After')
  const push = await tree.push(['main'])
  const [refusal] = await scanned(push)
  expect(onlyFinding(push.record.findings)).toMatchObject({ path: 'commit message', line: 1 })
  await followRemedy(refusal, async () => {})
  expect(await scanned(await tree.push(['main']))).toEqual([])
})

test('a secret from a merge: the refusal names the parent, and the rebase keeps the merge', async () => {
  await tree.git('checkout', '--quiet', '-b', 'side')
  await tree.write('side.ts', `const token = "${githubToken()}"\n`)
  const sideCommit = await tree.commit('Side')
  await tree.git('checkout', '--quiet', 'main')
  await tree.write('main.ts', 'main\n')
  await tree.commit('Main')
  await tree.git('merge', '--quiet', '--no-ff', '--message', 'Merge side', 'side')
  const merge = await tree.git('rev-parse', 'HEAD')
  const [refusal] = await scanned(await tree.push(['main']))
  expect(refusal?.remedy[0]).toBe(
    `It came in with the merge ${merge.slice(0, 7)}, through its parent 2 (${sideCommit.slice(0, 7)}).`,
  )
  await followRemedy(refusal, () => tree.write('side.ts', 'const token = process.env.TOKEN\n'))
  expect(await scanned(await tree.push(['main']))).toEqual([])
  expect(await tree.git('rev-list', '--merges', '--count', 'HEAD')).toBe('1')
})

test('a secret that an older merge adds: after the rebase the push is accepted', async () => {
  await tree.git('checkout', '--quiet', '-b', 'side')
  await tree.write('side.ts', 'side\n')
  await tree.commit('Side')
  await tree.git('checkout', '--quiet', 'main')
  await tree.write('main.ts', 'main\n')
  await tree.commit('Main')
  await tree.git('merge', '--quiet', '--no-ff', '--no-commit', 'side')
  await tree.write('main.ts', `const token = "${githubToken()}"\n`)
  await tree.commit('Merge side')
  await tree.write('after.ts', 'after\n')
  await tree.commit('After')
  const [refusal] = await scanned(await tree.push(['main']))
  expect(refusal?.remedy.join('\n')).toContain('itself holds it')
  await tree.git('config', 'rerere.enabled', 'false')
  await followRemedy(refusal, () => tree.write('main.ts', 'main\n'))
  expect(await scanned(await tree.push(['main']))).toEqual([])
})

test('a secret in the message of a tag: the recreated tag is accepted', async () => {
  await tree.git('tag', '--annotate', 'v1', '--message', `Release ${githubToken()}`)
  const [refusal] = await scanned(await tree.push(['refs/tags/v1']))
  expect(refusal).toMatchObject({ ref: 'refs/tags/v1', reason: expect.stringContaining('tag v1') })
  await followRemedy(refusal, async () => {})
  expect(await scanned(await tree.push(['refs/tags/v1']))).toEqual([])
})

test('secrets in two older commits: one rebase stops at both, and the push is accepted', async () => {
  await tree.git('branch', 'origin-main')
  await tree.write('a.ts', tokenLine())
  await tree.commit('First')
  await tree.write('b.ts', 'b\n')
  await tree.commit('Between')
  await tree.write('c.ts', tokenLine())
  await tree.write('d.ts', tokenLine())
  await tree.commit('Second')
  await tree.write('e.ts', 'e\n')
  await tree.commit('After')
  const [refusal] = await scanned(await tree.push(['main']))
  expect(refusal?.remedy.filter(each => each.includes('git rebase --interactive'))).toHaveLength(1)
  const files = [['a.ts'], ['c.ts', 'd.ts']]
  await followRemedy(refusal, async () => {
    for (const file of files.shift() ?? []) await tree.write(file, cleanLine)
  })
  expect(await scanned(await tree.push(['main']))).toEqual([])
  expect(await subjects()).toBe('After\nSecond\nBetween\nFirst')
})

test('secrets in an older and in the newest commit: one rebase for both', async () => {
  await tree.git('branch', 'origin-main')
  await tree.write('a.ts', tokenLine())
  await tree.commit('First')
  await tree.write('b.ts', tokenLine())
  await tree.commit(`Second with ${githubToken()}`)
  const [refusal] = await scanned(await tree.push(['main']))
  const files = ['a.ts', 'b.ts']
  await followRemedy(refusal, () => tree.write(files.shift() ?? '', cleanLine))
  expect(await scanned(await tree.push(['main']))).toEqual([])
  expect(await subjects()).toBe('Clean\nFirst')
})

test.each([
  ['removed by a later commit', cleanLine],
  ['kept by a later commit that changes the file', undefined],
])('a secret that is %s: both commits are squashed, and the push is accepted', async (_, later) => {
  await tree.git('branch', 'origin-main')
  const secret = githubToken()
  await tree.write('before.ts', 'before\n')
  await tree.commit('Before')
  await tree.write('app.ts', tokenLine(secret))
  await tree.commit('Secret')
  await tree.write('app.ts', later ?? `${tokenLine(secret)}more\n`)
  await tree.commit('Later')
  await tree.write('after.ts', 'after\n')
  await tree.commit('After')
  const [refusal] = await scanned(await tree.push(['main']))
  await followRemedy(refusal, () => tree.write('app.ts', cleanLine))
  expect(await scanned(await tree.push(['main']))).toEqual([])
  expect(await subjects()).toBe('Secret\nBefore')
  expect(await tree.git('show', 'HEAD:after.ts')).toBe('after')
})

test('a file with a secret that is deleted again, from the root commit on: the push is accepted', async () => {
  await tree.git('checkout', '--quiet', '--orphan', 'fresh')
  await tree.write('app.ts', tokenLine())
  await tree.commit('Root')
  await tree.git('rm', '--quiet', 'app.ts')
  await tree.commit('Delete')
  const [refusal] = await scanned(await tree.push(['fresh']))
  await followRemedy(refusal)
  expect(await scanned(await tree.push(['fresh']))).toEqual([])
  expect(await tree.git('ls-tree', '--name-only', 'HEAD')).toBe('README.md')
})

test('a secret that is changed again after a merge of upstream: the push stays a fast-forward', async () => {
  await tree.git('branch', 'work')
  await tree.write('upstream.ts', 'upstream\n')
  await tree.commit('Upstream')
  await tree.publish('main')
  await tree.git('checkout', '--quiet', 'work')
  const secret = githubToken()
  await tree.write('app.ts', tokenLine(secret))
  await tree.commit('Secret')
  await tree.git('merge', '--quiet', '--no-ff', '--message', 'Merge main', 'main')
  await tree.write('app.ts', `${tokenLine(secret)}more\n`)
  await tree.commit('Later')
  const [refusal] = await scanned(await tree.push(['work:main']))
  await followRemedy(refusal, () => tree.write('app.ts', cleanLine))
  expect(await scanned(await tree.push(['work:main']))).toEqual([])
  await tree.git('merge-base', '--is-ancestor', 'main', 'work')
})

test('a secret as the author of several commits: all are rewritten by one command', async () => {
  await tree.git('branch', 'origin-main')
  await tree.git('config', 'user.name', githubToken())
  for (const name of ['One', 'Two', 'Three']) {
    await tree.write(`${name}.ts`, `${name}\n`)
    await tree.commit(name)
  }
  const [refusal] = await scanned(await tree.push(['main']))
  await followRemedy(refusal, () => tree.git('config', 'user.name', 'Ada'))
  expect(await scanned(await tree.push(['main']))).toEqual([])
  expect(await subjects()).toBe('Three\nTwo\nOne')
})

test.each([['newest'], ['older']])(
  'a secret in an unknown header of the %s commit: the push is accepted',
  async age => {
    await tree.write('a.ts', 'a\n')
    await tree.commit('Work')
    const commit = await tree.git('cat-file', 'commit', 'HEAD')
    await tree.write('../commit', `${commit}\n`.replace('\n\n', `\nnote ${githubToken()}\n\n`))
    await tree.git('reset', '--quiet', await tree.git('hash-object', '-t', 'commit', '-w', '../commit'))
    if (age === 'older') {
      await tree.write('b.ts', 'b\n')
      await tree.commit('After')
    }
    const [refusal] = await scanned(await tree.push(['main']))
    expect(refusal?.reason).toContain('commit header')
    await followRemedy(refusal)
    expect(await scanned(await tree.push(['main']))).toEqual([])
    expect(await tree.git('show', 'HEAD:a.ts')).toBe('a')
  },
)

test.each([['newest'], ['older']])(
  'a secret in a file name of the %s commit: the push is accepted',
  async age => {
    const secret = githubToken()
    await tree.write(`${secret}.ts`, 'a\n')
    await tree.commit('Work')
    if (age === 'older') {
      await tree.write('b.ts', 'b\n')
      await tree.commit('After')
    }
    const [refusal] = await scanned(await tree.push(['main']))
    await followRemedy(refusal, () => tree.git('mv', `${secret}.ts`, 'clean.ts'))
    expect(await scanned(await tree.push(['main']))).toEqual([])
  },
)

test('a branch and two tags on a commit with a secret, and a tag above it: all are fixed', async () => {
  await tree.write('app.ts', tokenLine())
  await tree.commit('Secret')
  await tree.git('tag', 'light')
  await tree.git('tag', '--annotate', 'v1', '--message', 'Release one')
  await tree.write('after.ts', 'after\n')
  await tree.commit('After')
  await tree.git('tag', 'newest')
  const refs = ['main', 'refs/tags/light', 'refs/tags/v1', 'refs/tags/newest']
  const refusals = await scanned(await tree.push(refs))
  expect(refusals.map(({ ref }) => ref)).toEqual([
    'refs/heads/main',
    'refs/tags/light',
    'refs/tags/v1',
    'refs/tags/newest',
  ])
  for (const refusal of refusals) await followRemedy(refusal, () => tree.write('app.ts', cleanLine))
  expect(await scanned(await tree.push(refs))).toEqual([])
  expect(await tree.git('tag', '--list', '--format=%(contents)', 'v1')).toContain('Release one')
  for (const tag of ['light', 'v1'])
    expect(await tree.git('rev-parse', `${tag}^{commit}`)).toBe(await tree.git('rev-parse', 'HEAD^'))
  expect(await tree.git('rev-parse', 'newest')).toBe(await tree.git('rev-parse', 'HEAD'))
})

test('a tag on a commit of no pushed branch: after the fix the tag is accepted', async () => {
  await tree.git('checkout', '--quiet', '--detach')
  await tree.write('app.ts', tokenLine())
  await tree.commit('Secret')
  await tree.git('tag', '--annotate', 'v1', '--message', 'Release one')
  await tree.git('checkout', '--quiet', 'main')
  const [refusal] = await scanned(await tree.push(['refs/tags/v1']))
  await followRemedy(refusal, () => tree.write('app.ts', cleanLine))
  expect(await scanned(await tree.push(['refs/tags/v1']))).toEqual([])
})

test.each([
  ['file', () => tree.git('hash-object', '-w', 'app.ts')],
  ['tree', () => tree.git('add', 'app.ts').then(() => tree.git('write-tree'))],
])('a tag on a %s: another object is tagged', async (_, make) => {
  await tree.write('app.ts', tokenLine())
  const id = await make()
  await tree.git('tag', 'light', id)
  await tree.git('tag', '--annotate', 'v1', '--message', 'One', id)
  await tree.git('reset', '--quiet', '--hard')
  for (const tag of ['light', 'v1']) {
    const [refusal] = await scanned(await tree.push([`refs/tags/${tag}`]))
    await followRemedy(refusal)
    expect(await scanned(await tree.push([`refs/tags/${tag}`]))).toEqual([])
  }
})

test('a secret in the name of a branch and of a tag: both are accepted under another name', async () => {
  await tree.git('remote', 'add', 'origin', tree.mirror)
  const name = githubToken()
  await tree.git('tag', '--annotate', `v/${name}`, '--message', 'One')
  await tree.write('a.ts', 'a\n')
  await tree.commit()
  for (const ref of [`HEAD:refs/heads/fix/${name}`, `refs/tags/v/${name}`]) {
    const push = await tree.push([ref])
    const [refusal] = await scanned(push)
    await tree.publish()
    await followRemedy(refusal)
  }
  const names = execFileSync('git', ['for-each-ref', '--format=%(refname)'], { cwd: tree.mirror })
  expect(names.toString().split('\n')).toEqual(
    expect.arrayContaining(['refs/heads/fix/renamed', 'refs/tags/v/NAME']),
  )
})

test('a secret in the name of a branch and in its file: both are fixed', async () => {
  await tree.git('remote', 'add', 'origin', tree.mirror)
  await tree.write('app.ts', tokenLine())
  await tree.commit()
  const [refusal] = await scanned(await tree.push([`HEAD:refs/heads/fix/${githubToken()}`]))
  await tree.publish('main~1:refs/heads/main')
  await followRemedy(refusal, () => tree.write('app.ts', cleanLine))
  expect(execFileSync('git', ['show', 'fix/renamed:app.ts'], { cwd: tree.mirror }).toString()).toBe(cleanLine)
})
