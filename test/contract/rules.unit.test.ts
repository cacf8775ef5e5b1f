import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Action, type Grant, GrantTerms, isAllowed, matchRef, type Rule } from '../../src/contract/grant.ts'
import { RefPattern } from '../../src/contract/grant-patterns.ts'
import { AllowedSigners, splitSigners } from '../../src/contract/ssh/allowed-signers.ts'

const grant = (...rules: Partial<Rule>[]): Grant => ({
  agent: 'ada' as Grant['agent'],
  terms: GrantTerms.parse({ rules }),
})

const action = fc.constantFrom(...Action.options)
const pattern = fc.constantFrom(
  'refs/heads/**',
  'refs/heads/main',
  'refs/heads/{agent}/**',
  'refs/heads/*',
  'refs/heads/rel/*',
  'refs/tags/v*',
  'refs/tags/**',
)
const rule = fc.record({ pattern, allow: fc.uniqueArray(action), deny: fc.uniqueArray(action) })
const rules = fc.array(rule, { maxLength: 8 })
const ref = fc.constantFrom(
  'refs/heads/main',
  'refs/heads/ada/x',
  'refs/heads/ada/x/y',
  'refs/heads/ada',
  'refs/heads/bob/x',
  'refs/heads/rel/1',
  'refs/heads/rel/1/2',
  'refs/tags/v1',
  'refs/tags/v/1',
)
const runs = { numRuns: 3000 }

test('nothing is allowed that no rule allows', () => {
  fc.assert(
    fc.property(rules, ref, action, (given, name, what) => {
      const spoken = given.some(each => each.allow.includes(what) && matches(each.pattern, name))
      if (!spoken) expect(isAllowed(grant(...given), name, what)).toBe(false)
    }),
    runs,
  )
})

test('the first rule that matches and names the action decides', () => {
  fc.assert(
    fc.property(rules, ref, action, (given, name, what) => {
      const deciding = given.find(
        each => (each.allow.includes(what) || each.deny.includes(what)) && matches(each.pattern, name),
      )
      expect(isAllowed(grant(...given), name, what)).toBe(
        deciding !== undefined && !deciding.deny.includes(what),
      )
    }),
    runs,
  )
})

test('a deny rule at the front holds despite later rules', () => {
  fc.assert(
    fc.property(rules, rule, ref, action, (given, first, name, what) => {
      fc.pre(first.deny.includes(what) && matches(first.pattern, name))
      expect(isAllowed(grant(first, ...given), name, what)).toBe(false)
    }),
    runs,
  )
})

test('a rule at the end never removes a permission', () => {
  fc.assert(
    fc.property(rules, rule, ref, action, (given, last, name, what) => {
      if (isAllowed(grant(...given), name, what))
        expect(isAllowed(grant(...given, last), name, what)).toBe(true)
    }),
    runs,
  )
})

const matches = (of: string, name: string) => matchRef(of.replaceAll('{agent}', 'ada'), name)

test.each([
  ['refs/heads/{agent}/**', 'refs/heads/ada/fix', true],
  ['refs/heads/{agent}/**', 'refs/heads/ada/fix/deep', true],
  ['refs/heads/{agent}/**', 'refs/heads/ada', false],
  ['refs/heads/{agent}/**', 'refs/heads/adams/fix', false],
  ['refs/heads/{agent}/**', 'refs/heads/Ada/fix', false],
  ['refs/heads/{agent}/**', 'refs/heads/bob/ada/fix', false],
  ['refs/heads/{agent}-*', 'refs/heads/ada-fix', true],
  ['refs/heads/*', 'refs/heads/a/b', false],
  ['refs/heads/**', 'refs/tags/v1', false],
  ['refs/heads/v1.0', 'refs/heads/v1x0', false],
  ['refs/heads/main', 'refs/heads/main/x', false],
  ['refs/heads/main', 'refs/heads/mai', false],
  ['refs/heads/ma?n', 'refs/heads/main', true],
  ['refs/tags/v[0-9]*', 'refs/tags/v12', true],
  ['refs/tags/v[0-9]*', 'refs/tags/vx', false],
])('%s on %s: %s', (of, name, expected) => {
  expect(isAllowed(grant({ pattern: of, allow: ['create'] }), name, 'create')).toBe(expected)
})

test.each([
  'main',
  'refs/pull/x',
  'refs/notes/',
  'refs/heads/',
  'refs/heads/a b',
  'refs/heads/{agnet}/**',
  'refs/heads/{/**',
  'refs/heads/ada/',
  'refs/heads/a..b',
  'refs/heads/x.lock',
  'refs/heads/[x',
  '',
])('the pattern %j is refused', text => {
  expect(RefPattern.safeParse(text).success).toBe(false)
})

test.each([
  'refs/heads/{agent}/**',
  'refs/heads/*',
  'refs/heads/**/x',
  'refs/tags/v[0-9]*',
  'refs/heads/[]a]?[!b]',
])('the pattern %j is taken', text => {
  expect(RefPattern.safeParse(text).success).toBe(true)
})

test.each([
  { denyPaths: ['/.github/**'] },
  { denyPaths: ['docs/'] },
  { denyPaths: ['./docs/**'] },
  { denyPaths: ['a/../b'] },
  { denyPaths: ['a//b'] },
  { denyPaths: ['[ab'] },
  { denyPaths: ['a\\'] },
  { ask: [{ paths: ['/ci/**'] }] },
  { emails: ['acme.example'] },
  { emails: ['Ada <ada@acme.example>'] },
  { pullRequests: ['release branch'] },
  { pullRequests: ['refs/heads/'] },
])('a pattern that matches nothing is refused: %j', terms => {
  expect(GrantTerms.safeParse(terms).error?.issues[0]?.message).toMatch(/^matches no |must not be empty/)
})

test('patterns of paths, addresses and bases are taken as git has them', () => {
  const terms = {
    denyPaths: ['**', '**/*.env', '.github/**', ' a file with spaces ', 'a\\*', '[!a-c]x', 'v1..v2', 'ä/?'],
    emails: ['*@acme.example', 'ada@acme.example', '**'],
    pullRequests: ['main', 'release/*', '**'],
  }
  expect(GrantTerms.parse(terms)).toMatchObject(terms)
  expect(GrantTerms.parse({ pullRequests: ['refs/heads/main'] }).pullRequests).toEqual(['main'])
})

test('terms and rules that are misspelt are refused, since they would bound nothing', () => {
  expect(GrantTerms.safeParse({ denyPaths: ['ci/**'] }).success).toBe(true)
  expect(GrantTerms.safeParse({ denypaths: ['ci/**'] }).success).toBe(false)
  expect(GrantTerms.safeParse({ rules: [{ pattern: 'refs/heads/**', denies: ['force'] }] }).success).toBe(
    false,
  )
})

const openPgp = (kind: string) =>
  ['BEGIN', 'END'].map(word => `-----${word} PGP ${kind} KEY BLOCK-----`).join('\nmQ==\n')

test('allowed signers are lines for ssh-keygen and whole OpenPGP public keys, in any order', () => {
  const [ada, bob] = ['ada@example.com ssh-ed25519 AAAA', 'bob@example.com ssh-ed25519 BBBB']
  const text = `${ada}\n${openPgp('PUBLIC')}\r\n${bob}\n${openPgp('PUBLIC')}`
  const { ssh, openPgp: keys } = splitSigners(AllowedSigners.parse(text))
  expect(ssh.split('\n').filter(Boolean)).toEqual([ada, bob])
  expect(keys).toHaveLength(2)
  const others = `# the team\n\n"ada b@x" namespaces="git",valid-after="20260101" ssh-rsa BBBB= a comment\n`
  expect(AllowedSigners.safeParse(others).success).toBe(true)
  for (const bad of [
    openPgp('PRIVATE'),
    openPgp('PUBLIC').slice(0, -2),
    'ssh-ed25519 AAAA',
    'ada@x',
    'x y z',
  ])
    expect(GrantTerms.safeParse({ allowedSigners: `${ada}\n${bad}` }).success).toBe(false)
})
