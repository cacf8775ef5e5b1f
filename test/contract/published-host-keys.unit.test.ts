import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { hasHostKey } from '../../src/contract/ssh/known-hosts.ts'
import { publishedHostKeys } from '../../src/contract/ssh/published-host-keys.ts'
import { parseUpstream } from '../../src/contract/upstream.ts'

/** The fingerprints as the hosts publish them. */
test.each([
  [
    'git@github.com:acme/app.git',
    ['+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU', 'p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM'],
  ],
  [
    'ssh://git@ssh.github.com:443/acme/app.git',
    ['+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU', 'p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM'],
  ],
  [
    'git@gitlab.com:acme/app.git',
    ['eUXGGm1YGsMAS7vkcx6JOJdOGHPem5gQp4taiCfCLB8', 'HbW3g8zUjNSksFbqTiUWPWg2Bq1x8xdGUrliXFzSnUw'],
  ],
  ['git@codeberg.org:acme/app.git', ['mIlxA9k46MmM6qdJOdMnAQpzGxF4WIVVL+fj+wZbw0g']],
  [
    'git@bitbucket.org:acme/app.git',
    ['ybgmFkzwOSotHTHLJgHO0QN8L0xErw6vd0VhFA9m3SM', 'FC73VB6C4OQLSCrjEayhMp9UMxS97caD/Yyi2bhW/J0'],
  ],
])('the pinned keys of %s have the fingerprints that its host publishes', async (url, fingerprints) => {
  const keys = publishedHostKeys(url) ?? ''
  const listed = execFileSync('ssh-keygen', ['-lf', '-'], { input: keys, encoding: 'utf8' })
  expect([...listed.matchAll(/SHA256:(\S+)/g)].map(([, each]) => each)).toEqual(fingerprints)
  const parsed = parseUpstream(url)
  expect(parsed.ok && (await hasHostKey(keys, parsed.address))).toBe(true)
})

test.each([
  'git@github.com.example.org:acme/app.git',
  'git@example.com:github.com/app.git',
  'https://github.com/acme/app',
])('no keys are pinned for %s', url => expect(publishedHostKeys(url)).toBeUndefined())
