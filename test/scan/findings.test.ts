import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import type { IncomingPush } from '../../container/checks/check.ts'
import { fileRules } from '../../container/checks/file-rules.ts'
import { checkGitleaksConfig, secrets } from '../../container/checks/secrets/index.ts'
import type { Finding } from '../../src/contract/outcome.ts'
import { anyKey, awsKeyId, githubToken, privateKey } from './fixtures/fakes.ts'
import { gitleaks } from './fixtures/gitleaks.ts'
import { templates, type WorkTree, workTree } from './fixtures/repositories.ts'

const settings = { gitleaks, seconds: 60, maxBlobBytes: 50 << 20, fingerprintKey: 'a key for tests' }
const check = secrets(settings)
const scanned = (push: IncomingPush, by = check) => by.run(push, () => {}, new AbortController().signal)

let tree: WorkTree
beforeEach(async () => {
  tree = await workTree()
})
afterEach(() => tree.dispose())
afterAll(() => templates.dispose())

const onlyFinding = (findings: readonly Finding[]): Finding => {
  expect(findings).toHaveLength(1)
  return findings[0] as Finding
}

test('only the refs that bring a secret are refused', async () => {
  await tree.git('checkout', '--quiet', '-b', 'side')
  await tree.write('side.ts', `const token = "${githubToken()}"\n`)
  await tree.commit('Side')
  await tree.git('checkout', '--quiet', '-b', 'clean', 'main')
  await tree.write('main.ts', 'main\n')
  await tree.commit('Main')
  const refusals = await scanned(await tree.push(['side', 'clean']))
  expect(refusals.map(refusal => refusal.ref)).toEqual(['refs/heads/side'])
})

test('a byte that is no UTF-8 hides neither the key around it nor the token beside it', async () => {
  const key = privateKey().split('\n')
  key[2] = `${key[2]?.slice(0, 20)}\xe9${key[2]?.slice(20)}`
  await tree.write('key.txt', Buffer.from(key.join('\n'), 'latin1'))
  await tree.write('café.ts', Buffer.from(`const token = "\xe9" + "${githubToken()}" // \xff\n`, 'latin1'))
  await tree.commit()
  const push = await tree.push(['main'])
  await scanned(push)
  expect(push.record.findings.map(({ rule }) => rule).sort()).toEqual(['github-pat', 'private-key'])
})

test('a finding in an archive has the path inside the archive', async () => {
  const { zip } = await import('./fixtures/archives.ts')
  await tree.write(
    'lib/a.war',
    zip({ 'lib/b.jar': zip({ 'app.properties': `x=1\ntoken=${githubToken()}\n` }) }),
  )
  await tree.commit()
  const push = await tree.push(['main'])
  const [refusal] = await scanned(push)
  expect(onlyFinding(push.record.findings)).toMatchObject({
    path: 'lib/a.war!lib/b.jar!app.properties',
    line: 2,
  })
  expect(refusal?.detail[0]).toContain('(in zip, in zip)')
})

test('line numbers are right in UTF-16, in base64 and in later windows of a large file', async () => {
  const { wideText } = await import('./fixtures/archives.ts')
  const long = (secret: string) => `${'line\n'.repeat(41)}token = ${secret}\n`
  await tree.write('a.reg', wideText(long(githubToken()), { mark: true }))
  await tree.write(
    'b.yml',
    `${'a: b\n'.repeat(6)}x: ${Buffer.from(`token=${githubToken()};`).toString('base64')}\n`,
  )
  await tree.write('c.log', `${'some line of text\n'.repeat(200_000)}${githubToken()}\nend\n`)
  await tree.commit()
  const push = await tree.push(['main'])
  await scanned(push)
  expect(push.record.findings.map(({ path, line }) => `${path}:${line}`).sort()).toEqual([
    'a.reg:42',
    'b.yml:7',
    'c.log:200001',
  ])
})

test('a fingerprint survives amending and moved lines, and differs by path, secret, repository and key', async () => {
  const [token, otherToken] = [githubToken(), githubToken()]
  const fingerprintOf = async (path: string, content: string, message = 'Work', by = check) => {
    await tree.git('reset', '--quiet', '--hard', 'origin-main')
    await tree.write(path, content)
    await tree.commit(message)
    const push = await tree.push(['+HEAD:refs/heads/main'])
    await scanned(push, by)
    return onlyFinding(push.record.findings).fingerprint
  }
  await tree.git('branch', 'origin-main')
  const first = await fingerprintOf('a.ts', `const token = "${token}"\n`)
  expect(first).toMatch(/^[0-9a-f]{32}$/)
  expect(await fingerprintOf('a.ts', `// more\n\nconst renamed = '${token}'\n`, 'Another message')).toBe(
    first,
  )
  expect(await fingerprintOf('b.ts', `const token = "${token}"\n`)).not.toBe(first)
  expect(await fingerprintOf('a.ts', `const token = "${otherToken}"\n`)).not.toBe(first)
  const keyed = secrets({ ...settings, fingerprintKey: 'another' })
  expect(await fingerprintOf('a.ts', `const token = "${token}"\n`, 'Work', keyed)).not.toBe(first)
})

test('an exception covers its finding until it expires, and each use is recorded', async () => {
  await tree.write('a.ts', `const token = "${githubToken()}"\n`)
  await tree.commit()
  const push = await tree.push(['main'])
  await scanned(push)
  const { fingerprint } = onlyFinding(push.record.findings)
  const granted = { id: 'exception-1', fingerprint, until: Date.now() + 60_000 }

  const repeated = await tree.push(['main'], { exceptions: [granted] })
  expect(await scanned(repeated)).toEqual([])
  expect(repeated.record.exceptionsUsed).toEqual(['exception-1'])
  expect(repeated.record.findings.map(finding => finding.fingerprint)).toEqual([fingerprint])

  const expired = await tree.push(['main'], { exceptions: [{ ...granted, until: Date.now() - 1 }] })
  expect(await scanned(expired)).toHaveLength(1)
  expect(expired.record.exceptionsUsed).toEqual([])

  await tree.write('b.ts', `const token = "${githubToken()}"\n`)
  await tree.commit()
  const more = await tree.push(['main'], { exceptions: [{ ...granted, until: null }] })
  const [refusal] = await scanned(more)
  expect(refusal?.reason).toBe('secret found: github-pat in b.ts:1')
  expect(more.record.exceptionsUsed).toEqual(['exception-1'])
  expect(more.record.findings).toHaveLength(2)
})

test('an exception for one path of a file does not cover the same file at another path', async () => {
  const content = `token = ${githubToken()}\n`
  await tree.write('fixtures/a.env', content)
  await tree.commit()
  const push = await tree.push(['main'])
  await scanned(push)
  const { fingerprint } = onlyFinding(push.record.findings)
  const exceptions = [{ id: 'exception-1', fingerprint, until: null }]
  await tree.write('src/prod.env', content)
  await tree.git('add', '--all')
  await tree.git('commit', '--quiet', '--amend', '--no-edit')
  const both = await tree.push(['main'], { exceptions })
  const [refusal] = await scanned(both)
  expect(refusal?.reason).toBe('secret found: github-pat in src/prod.env:1')
  expect(both.record.findings.map(({ path }) => path).sort()).toEqual(['fixtures/a.env', 'src/prod.env'])
  expect(both.record.exceptionsUsed).toEqual(['exception-1'])
})

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

test('a fingerprint belongs to one place, even if two places have the same display path', async () => {
  const { zip } = await import('./fixtures/archives.ts')
  const token = githubToken()
  await tree.write('a.zip', zip({ b: `token=${token}\n` }))
  await tree.write('a.zip!b', `token=${token}\n`)
  await tree.write('commit message', `token=${token}\n`)
  await tree.commit(`Use ${token}`)
  const push = await tree.push(['main'])
  await scanned(push)
  expect(push.record.findings.map(({ path }) => path).sort()).toEqual([
    'a.zip!b',
    'a.zip!b',
    'commit message',
    'commit message',
  ])
  expect(new Set(push.record.findings.map(({ fingerprint }) => fingerprint)).size).toBe(4)
})

test('an excerpt has no part of another secret in the line', async () => {
  const [first, second] = [githubToken(), githubToken()]
  await tree.write('a.txt', `a = ${first} ${'x '.repeat(34)}b = ${second} c\n`)
  await tree.commit()
  const push = await tree.push(['main'])
  await scanned(push)
  // The mask of the diff stays in memory.
  const record = JSON.stringify({ ...push.record, diffMask: undefined })
  expect(push.record.findings).toHaveLength(2)
  for (const secret of [first, second])
    for (let start = 0; start + 5 <= secret.length; start++)
      expect(record).not.toContain(secret.slice(start, start + 5))
})

test('a finding shows the lines around it, unless an encoding spreads a secret over them', async () => {
  const token = githubToken()
  await tree.write('plain.ts', `// before\nconst token = "${token}"\n// after\n`)
  await tree.commit('Use a token')
  const plain = await tree.push(['main'])
  await scanned(plain)
  expect(onlyFinding(plain.record.findings)).toMatchObject({
    subject: 'Use a token',
    before: ['// before'],
    after: ['// after'],
  })
  const text = Buffer.from(`const otherToken = "${githubToken()}" // the token of the gate\n`)
  const rows = Array.from({ length: Math.ceil(text.length / 8) }, (_, row) =>
    [...text.subarray(8 * row, 8 * row + 8)].map(byte => byte.toString(16).padStart(2, '0')).join(' '),
  )
  await tree.write('dump.txt', `${rows.join('\n')}\n`)
  await tree.commit('Dump')
  const dump = await tree.push(['main'])
  await scanned(dump)
  const inDump = dump.record.findings.find(({ path }) => path.startsWith('dump.txt'))
  expect(inDump).toBeDefined()
  const shown = JSON.stringify(dump.record.findings)
  for (const row of rows.slice(3, 7)) expect(shown).not.toContain(row)
})

test('the header of a key is not redacted in paths', async () => {
  await tree.write('certs/OPENSSH/private.pem', privateKey('OPENSSH '))
  await tree.commit()
  const push = await tree.push(['main'])
  const [refusal] = await scanned(push)
  expect(onlyFinding(push.record.findings)).toMatchObject({ path: 'certs/OPENSSH/private.pem' })
  expect(refusal?.remedy.join('\n')).toContain('Take the secret out of certs/OPENSSH/private.pem')
})

test('the checks before the scan redact names that look like a token', async () => {
  const token = githubToken()
  const [refusal] = await fileRules({ maxBlobBytes: 1 << 20 }).run(
    await (async () => {
      await tree.write(`ci/${token}.yml`, 'a\n')
      await tree.commit()
      return tree.push(['main'], { terms: { denyPaths: ['ci/**'] } })
    })(),
    () => {},
    new AbortController().signal,
  )
  expect(refusal?.reason).toBe('ci/[redacted] may not be changed')
})

test('forty thousand secrets in one file, new and then known, never block the thread', async () => {
  const keys = Array.from({ length: 40_000 }, awsKeyId)
  await tree.write('keys.txt', `${keys.join('\n')}\n`)
  await tree.commit('Keys')
  const first = await tree.push(['main'])
  const turns = watchTurns()
  // Empty limits keep the scan in this process.
  const inProcess = secrets({ ...settings, inProcessLimits: {} })
  expect((await scanned(first, inProcess))[0]?.reason).toMatch(/and 499 more$/)
  expect(first.record.findings).toHaveLength(500)
  await tree.publish('main')
  await tree.write('keys.txt', `${keys.join('\r\n')}\r\n`)
  await tree.commit('Line endings')
  expect(await scanned(await tree.push(['main']), inProcess)).toEqual([])
  expect(turns.longestMs()).toBeLessThan(1_500)
})

/** Measures the longest processor time of this thread between two turns of the event loop. */
function watchTurns() {
  let last = process.threadCpuUsage()
  let longestUs = 0
  const measure = () => {
    const { user, system } = process.threadCpuUsage(last)
    longestUs = Math.max(longestUs, user + system)
    last = process.threadCpuUsage()
  }
  const timer = setInterval(measure, 20)
  return {
    longestMs() {
      measure()
      clearInterval(timer)
      return longestUs / 1000
    },
  }
}

test('gitleaks:allow marks a finding as asking for an exception, and has no other effect', async () => {
  await tree.write('a.ts', `const a = "${githubToken()}" // gitleaks:allow\nconst b = "${githubToken()}"\n`)
  await tree.commit()
  const push = await tree.push(['main'])
  expect(await scanned(push)).toHaveLength(1)
  expect(push.record.findings.map(finding => [finding.line, finding.asksForException])).toEqual([
    [1, true],
    [2, false],
  ])
})

test('a later commit that disputes a finding makes it disputed', async () => {
  const token = githubToken()
  await tree.write('a.ts', `const a = "${token}"\n`)
  await tree.commit()
  await tree.write('a.ts', `const a = "${token}" // gitleaks:allow\n`)
  await tree.commit()
  const push = await tree.push(['main'])
  await scanned(push)
  expect(push.record.findings).toMatchObject([{ path: 'a.ts', asksForException: true }])
})

test('a finding names the other places of the push that hold the same secret', async () => {
  const token = githubToken()
  await tree.write('a.ts', `const a = "${token}"\n`)
  await tree.write('b.ts', `const b = 1\nconst c = "${token}"\n`)
  await tree.write('c.ts', `const d = "${githubToken()}"\n`)
  await tree.commit()
  const push = await tree.push(['main'])
  await scanned(push)
  expect(push.record.findings.map(({ path, alsoAt }) => [path, alsoAt]).sort()).toEqual([
    ['a.ts', ['b.ts:2']],
    ['b.ts', ['a.ts:1']],
    ['c.ts', undefined],
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
