import { expect, test } from 'vitest'
import { fileRules } from '../../container/checks/file-rules.ts'
import { secrets } from '../../container/checks/secrets/index.ts'
import { awsKeyId, githubToken, privateKey } from './fixtures/fakes.ts'
import { onlyFinding, scanned, settings, tree, useScanTree } from './fixtures/scan-tree.ts'

useScanTree()

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
