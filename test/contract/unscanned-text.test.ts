import { randomBytes, randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { REDACTED, withoutLikelySecrets, withoutTokens } from '../../src/contract/text/unscanned-text.ts'
import { processorMs } from '../harness/processor-time.ts'

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const mixed = (length: number) =>
  [...randomBytes(length)].map(byte => `${LETTERS}0123456789`[byte % 62]).join('')
const base64 = (bytes: number) => randomBytes(bytes).toString('base64url')

test.each([
  ['a GitHub token', () => `ghp_${randomBytes(18).toString('hex')}`],
  ['an AWS key id without a digit', () => `AKIA${['WRPHRHMT', 'ASBXQBOM'].join('')}`],
  ['hex', () => randomBytes(20).toString('hex')],
  ['base64', () => base64(32)],
  ['base64 with slashes', () => randomBytes(48).toString('base64').replaceAll('/', '+')],
  ['mixed letters', () => [...randomBytes(32)].map(byte => LETTERS[byte % 52]).join('')],
  ['hex of 16 characters', () => randomBytes(8).toString('hex')],
  ['letters and digits in groups of four', () => (mixed(48).match(/.{4}/g) ?? []).join('-')],
  ['a UUID', () => randomUUID()],
  ['a short password after its name', () => `api_key=${randomBytes(4).toString('hex')}`],
  ['a password in a URL', () => `https://bob:${randomBytes(4).toString('hex')}@example.com`],
])('%s is masked, wherever it stands', (_what, make) => {
  let missed = 0
  for (let i = 0; i < 500; i++) {
    const secret = make()
    const core = secret.replace(/^api_key=|^https:\/\/|@example.com$/g, '')
    for (const text of [secret, `refs/heads/ada/${secret}`, `the capability x=${secret} was not offered`])
      if (withoutLikelySecrets(text).includes(core)) missed += 1
  }
  // Of random text a little looks like words.
  expect(missed / 1500).toBeLessThan(0.03)
})

test.each([
  'refs/heads/ada/fix-login-timeouts-of-the-session-handler',
  'refs/heads/PROJ-1234-Fix-Login-page',
  'refs/heads/ada/FixLoginTimeoutOfTheSessionHandler',
  'refs/heads/dependabot/npm_and_yarn/types/node-24.1.0',
  'refs/heads/release/2026-11-28',
  'refs/tags/v1.2.3-rc.1+build.5',
  'refs/heads/internationalization-and-localization',
  'git/2.39.5 (Apple Git-154)',
  'JGit/6.8.0.202311291450-r',
  'git-gate: refused refs/heads/main: ada may push refs/heads/ada/** only',
  'git-gate:   git push origin HEAD:refs/heads/ada/fix-login',
])('%s is shown as it is', text => {
  expect(withoutLikelySecrets(text)).toBe(text)
})

test.each([
  ...['ghp_', 'gho_', 'github_pat_', 'glpat-', 'gldt-', 'npm_', 'pypi-', 'dop_v1_', 'xoxb-', 'xapp-', 'hf_'],
  ...['sk_live_', 'rk_test_', 'sk-proj-', 'sk-ant-', 'SG.', 'shpat_', 'AIza', 'AKIA', 'ASIA', 'eyJ', 'gate_'],
])('a token that starts with %s is known by that alone, whatever follows', start => {
  expect(withoutTokens(`see ${start}one-word_and-another-1 there`)).toBe(`see ${REDACTED} there`)
  expect(withoutTokens(`see ${start}short there`)).toBe(`see ${start}short there`)
})

test('a long text of what tokens start with is searched in linear time', () => {
  const ms = processorMs(() => {
    for (const part of ['npm_', 'key=', 'key ', 'a-', '://a', 'token"'])
      withoutLikelySecrets(part.repeat(200_000 / part.length))
  })
  expect(ms).toBeLessThan(5_000)
})
