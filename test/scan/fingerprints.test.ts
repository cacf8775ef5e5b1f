import { expect, test } from 'vitest'
import { secrets } from '../../container/checks/secrets/index.ts'
import { githubToken } from './fixtures/fakes.ts'
import { onlyFinding, scanned, settings, tree, useScanTree } from './fixtures/scan-tree.ts'

useScanTree()

test('a fingerprint survives amending and moved lines, and differs by path, secret, repository and key', async () => {
  const [token, otherToken] = [githubToken(), githubToken()]
  const fingerprintOf = async (path: string, content: string, message = 'Work', by = secrets(settings)) => {
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
