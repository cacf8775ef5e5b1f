import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { GrantedException } from '../../src/contract/admin-api/findings.ts'
import { Repository } from '../../src/contract/admin-api/repositories.ts'
import { gitGate } from '../cli/command.ts'
import type { Clone } from '../harness/clone.ts'
import { accepted, type Gate, rejected, seconds, sharedGate, until } from '../harness/index.ts'
import { anyKey, githubToken, gitlabToken } from './fixtures/fakes.ts'

const grantOptions = { push: ['{agent}/**'], force: ['{agent}/**'] }

let gate: Gate
beforeAll(async () => {
  gate = await sharedGate()
})
afterAll(() => gate[Symbol.asyncDispose]())

const operator = (...args: string[]) =>
  gitGate(args, { env: { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken } })

async function grant(
  repository: string,
  fingerprint: string,
  ...extraArgs: string[]
): Promise<GrantedException> {
  const args = ['exception', 'add', repository, fingerprint, '--reason', 'made up', '--json', ...extraArgs]
  const ran = await operator(...args)
  expect(ran).toMatchObject({ code: 0, stderr: '' })
  return GrantedException.parse(JSON.parse(ran.stdout))
}

const line = (secret: string) => `export const token = '${secret}'\n`

/** Pushes HEAD, which is refused for one secret, and returns the finding. */
async function refused(work: Clone, ref: string) {
  expect(await work.push(`+HEAD:${ref}`)).toMatchObject(rejected)
  const push = await gate.ledger.until(
    each => each.outcome === 'refused' && each.refs[0]?.ref === `refs/heads/${ref}`,
  )
  expect(push.exceptionsUsed).toEqual([])
  expect(push.findings).toHaveLength(1)
  return z.object({ fingerprint: z.string(), asksForException: z.boolean() }).parse(push.findings[0])
}

test('an agent can neither grant nor push an exception', async () => {
  const ada = await gate.agent('ada', grantOptions)
  const work = await ada.clone()
  const secret = githubToken()
  await work.commit('Secret', { 'app.ts': line(secret) })
  const { fingerprint } = await refused(work, 'ada/own')

  const body = JSON.stringify({ repository: 'app', fingerprint, reason: 'I say so' })
  for (const authorization of [`Bearer ${ada.token}`, `Basic ${btoa(`ada:${ada.token}`)}`]) {
    const headers = { authorization, 'content-type': 'application/json' }
    const answer = await fetch(`${gate.url}/-/api/v1/exceptions`, { method: 'POST', headers, body })
    expect([401, 403]).toContain(answer.status)
  }
  expect(await gate.admin.request('GET', '/exceptions')).toEqual([])

  await work.text(['reset', '-q', '--hard', 'origin/main'])
  await work.commit('Everything an agent could write', {
    'app.ts': `${line(secret).trimEnd()} // gitleaks:allow\n`,
    '.gitleaksignore': `${fingerprint}\n`,
    '.gitleaks.toml': '[[allowlists]]\nregexes = [".*"]\n',
    '.gitattributes': '* -diff binary\n',
  })
  expect(await refused(work, 'ada/own')).toEqual({ fingerprint, asksForException: true })
  const withOption = await work.push('-o', `exception=${fingerprint}`, 'HEAD:ada/own')
  expect(withOption).toMatchObject(rejected)
  expect(withOption.output).toContain('may not pass the push option')
})

test('an exception covers one secret at one path of one repository, and each use is recorded', async () => {
  await gate.repository('other')
  const eve = await gate.agent('eve', grantOptions)
  const work = await eve.clone()
  const [secret, second] = [githubToken(), githubToken()]
  const fresh = async (files: Record<string, string>) => {
    await work.text(['reset', '-q', '--hard', 'origin/main'])
    return work.commit('Work', files)
  }
  await fresh({ 'app.ts': line(secret) })
  const { fingerprint } = await refused(work, 'eve/a')

  await grant('other', fingerprint)
  await refused(work, 'eve/a')
  const excepted = await grant('app', fingerprint, '--until', '1h')
  await fresh({ 'elsewhere.ts': line(secret) })
  await refused(work, 'eve/b')
  await fresh({ 'app.ts': line(second) })
  await refused(work, 'eve/c')
  // The finding without an exception refuses the push, and the used exception is recorded.
  await fresh({ 'app.ts': `${line(secret)}${line(second)}` })
  expect(await work.push('HEAD:eve/d')).toMatchObject(rejected)
  expect(await gate.ledger.until(push => push.refs[0]?.ref === 'refs/heads/eve/d')).toMatchObject({
    outcome: 'refused',
    exceptionsUsed: [excepted.id],
  })

  // Another commit, message and line have the same fingerprint.
  await fresh({ 'app.ts': `// a line above\n${line(secret)}` })
  expect(await work.push('HEAD:eve/a')).toMatchObject(accepted)
  expect(await gate.ledger.until(push => push.outcome === 'accepted')).toMatchObject({
    exceptionsUsed: [excepted.id],
    findings: [{ fingerprint, line: 2 }],
  })

  const mallory = await gate.agent('mallory', grantOptions, { repository: 'other' })
  expect(await mallory.push('refs/heads/mallory/a', { 'app.ts': line(secret) })).toMatchObject(rejected)
})

test('an exception ends at its expiry, and at once when it is revoked', async () => {
  const joe = await gate.agent('joe', grantOptions)
  const work = await joe.clone()
  await work.commit('Work', { 'a.ts': line(githubToken()) })
  const first = await refused(work, 'joe/a')
  const end = Date.now() + seconds(1)
  const terms = { repository: 'app', fingerprint: first.fingerprint, reason: 'for a second' }
  await gate.admin.request('POST', '/exceptions', { ...terms, until: new Date(end).toISOString() })
  await until(
    () => Date.now() > end || undefined,
    seconds(5),
    () => 'the clock does not advance',
  )
  await refused(work, 'joe/a')
  await expect(
    gate.admin.request('POST', '/exceptions', { ...terms, until: new Date(end).toISOString() }),
  ).rejects.toThrow(/until/)

  const { id } = await grant('app', first.fingerprint)
  expect(await operator('exception', 'revoke', id)).toMatchObject({ code: 0 })
  await refused(work, 'joe/a')
  await grant('app', first.fingerprint)
  expect(await work.push('HEAD:joe/a')).toMatchObject(accepted)
})

test('a gitleaks configuration is tried before it is saved, and then applies to pushes', async () => {
  const upstream = await gate.repository('conf')
  const { url, knownHosts } = upstream.at()
  const file = (name: string, text: string) => {
    const target = path.join(gate.home, name)
    fs.writeFileSync(target, text)
    return target
  }
  const hosts = file('known_hosts', knownHosts)
  const add = (name: string, config: string) =>
    operator(
      ...['repo', 'add', name, '--upstream', url, '--identity', 'for-conf', '--known-hosts', hosts],
      ...['--gitleaks-config', file('gitleaks.toml', config)],
    )
  for (const [config, reason] of [
    ['[[rules]]\nid = "a"\nregex = "a["\n', /gitleaks does not take it/],
    ['[[allowlists]]\nregexes = [".*"]\n', /gitleaks does not take it/],
    ['alowlists = []\n', /alowlists/],
  ] as const) {
    const ran = await add('bad', config)
    expect(ran.code).not.toBe(0)
    expect(ran.stderr).toMatch(reason)
  }
  await expect(gate.admin.request('GET', '/repositories/bad')).rejects.toMatchObject({ code: 'not-found' })

  const config = [
    '[extend]',
    'disabledRules = ["gitlab-pat"]',
    '[[rules]]',
    'id = "acme-key"',
    "regex = '''acme_[0-9a-z]{40}'''",
    'keywords = ["acme_"]',
  ].join('\n')
  expect(await add('good', config)).toMatchObject({ code: 0 })
  const agent = await gate.agent('kim', grantOptions, { repository: 'good' })
  expect(await agent.push('refs/heads/kim/a', { 'ci.sh': `T=${gitlabToken()}\n` })).toMatchObject(accepted)
  const ran = await agent.push('refs/heads/kim/b', { 'ci.sh': `acme_${anyKey()}\n` })
  expect(ran).toMatchObject(rejected)
  expect(ran.output).toContain('secret found: acme-key in ci.sh:1')

  const {
    name,
    createdAt: _,
    ...settings
  } = Repository.parse(await gate.admin.request('GET', '/repositories/good'))
  await expect(
    gate.admin.request('PUT', `/repositories/${name}`, { ...settings, gitleaksConfig: 'rubbish' }),
  ).rejects.toMatchObject({ code: 'bad-gitleaks-config' })
  expect(await gate.admin.request('GET', '/repositories/good')).toMatchObject({ gitleaksConfig: config })
  await gate.idle({ within: seconds(30) })
})
