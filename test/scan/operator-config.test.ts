import { expect, test } from 'vitest'
import { checkGitleaksConfig } from '../../container/checks/secrets/index.ts'
import { anyKey, githubToken } from './fixtures/fakes.ts'
import { gitleaks } from './fixtures/gitleaks.ts'
import { scanned, tree, useScanTree } from './fixtures/scan-tree.ts'

useScanTree()

test('an allowed path does not cover the same file at another path, in the same commit or after a move', async () => {
  const gitleaksConfig = "[[allowlists]]\npaths = ['''^test/fixtures/''']\n"
  const content = `token = ${githubToken()}\n`
  await tree.git('branch', 'begin')
  await tree.write('test/fixtures/a.env', content)
  await tree.write('tools/a.env', content)
  await tree.commit()
  expect(await scanned(await tree.push(['main'], { gitleaksConfig }))).toMatchObject([
    { reason: 'secret found: github-pat in tools/a.env:1' },
  ])
  await tree.git('reset', '--quiet', '--hard', 'begin')
  await tree.write('test/fixtures/deploy.env', content)
  await tree.commit()
  expect(await scanned(await tree.push(['main'], { gitleaksConfig }))).toEqual([])
  await tree.write('src/a.txt', 'a\n')
  await tree.git('mv', 'test/fixtures/deploy.env', 'src/deploy.env')
  await tree.commit()
  expect(await scanned(await tree.push(['main'], { gitleaksConfig }))).toMatchObject([
    { reason: 'secret found: github-pat in src/deploy.env:1' },
  ])
})

test("an operator's configuration adds rules, allows texts and paths, and turns rules off", async () => {
  const gitleaksConfig = [
    '[extend]',
    'disabledRules = ["gitlab-pat"]',
    '[[rules]]',
    'id = "acme-key"',
    "regex = '''acme_[0-9a-z]{40}'''",
    'keywords = ["acme_"]',
    "path = '''(?i)\\.conf$'''",
    '[[allowlists]]',
    "paths = ['''^test/fixtures/''']",
    '[[allowlists]]',
    "regexes = ['''^ghp_0{4}''']",
  ].join('\n')
  expect(await checkGitleaksConfig(gitleaksConfig, gitleaks, tree.dir)).toBeUndefined()
  await tree.write('test/fixtures/a.ts', `const token = "${githubToken()}"\n`)
  await tree.write('b.ts', `const token = "${githubToken().replace(/^ghp_.{4}/, 'ghp_0000')}"\n`)
  await tree.write('c.conf', `x = acme_${anyKey()}\n`)
  await tree.write('d.txt', `x = acme_${anyKey()}\n`)
  await tree.write('e.ts', `const token = "${githubToken()}"\n`)
  await tree.commit()
  const push = await tree.push(['main'], { gitleaksConfig })
  await scanned(push)
  expect(push.record.findings.map(({ rule, path }) => `${rule} ${path}`).sort()).toEqual([
    'acme-key c.conf',
    'github-pat e.ts',
  ])
})

test.each([
  ['a pattern that cannot be read', '[[rules]]\nid = "a"\nregex = "a["'],
  ['no TOML', 'rubbish'],
  ['a key that gitleaks would ignore', 'alowlists = []'],
  ['an allow-list for everything', '[[allowlists]]\nregexes = [".*"]'],
  ['the default left out', '[extend]\nuseDefault = false'],
  ['another file extended', '[extend]\npath = "/etc/passwd"'],
  ['the canary turned off', '[extend]\ndisabledRules = ["git-gate-canary"]'],
  ['the canary changed', '[[rules]]\nid = "git-gate-canary"\nregex = "x"'],
  ['the canary allowed', '[[allowlists]]\ntargetRules = ["git-gate-canary"]\nregexes = [".*"]'],
  ['an unknown rule turned off', '[extend]\ndisabledRules = ["github-pta"]'],
  ['a path pattern that cannot be read', '[[allowlists]]\npaths = ["a["]'],
])('an invalid configuration is refused when it is set: %s', async (_, text) => {
  expect(await checkGitleaksConfig(text, gitleaks, tree.dir)).toMatch(/./)
})

test('a push under an invalid configuration is refused as the gate’s fault', async () => {
  await tree.write('a.txt', 'a\n')
  await tree.commit()
  const push = await tree.push(['main'], { gitleaksConfig: '[[allowlists]]\nregexes = [".*"]' })
  await expect(scanned(push)).rejects.toThrow(/the gate could not scan/)
})
