import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { body, packOf, send } from '../grants/wire.ts'
import { accepted, type Gate, rejected, seconds, sharedGate, startGate } from '../harness/index.ts'

const own = { push: ['{agent}/**'], force: ['{agent}/**'] }

/** A GitHub token that nobody was ever given. */
const githubToken = () =>
  `ghp_${randomBytes(64)
    .toString('base64')
    .replace(/[^A-Za-z0-9]/g, '')
    .slice(0, 36)}`

test('a push with a token in a file is refused and named, and goes through once it is amended away', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', own)
  const work = await ada.clone()
  const token = githubToken()
  const commit = await work.commit('Log in', {
    'src/login.ts': `// log in\nexport const token = '${token}'\n`,
  })
  const before = await gate.upstream.refs()

  const refused = await work.push('HEAD:ada/login')
  expect(refused).toMatchObject(rejected)
  expect(refused.output).toMatch(
    /! \[remote rejected\] HEAD -> ada\/login \(git-gate: .*github-pat.*src\/login\.ts:2\)/,
  )
  expect(refused.output).toContain(commit.slice(0, 7))
  expect(refused.output).not.toContain(token)
  expect(await gate.upstream.refs()).toEqual(before)
  const onRecord = await gate.ledger.last()
  expect(onRecord).toMatchObject({
    outcome: 'refused',
    findings: [{ rule: 'github-pat', path: 'src/login.ts', line: 2, commit }],
  })
  expect(JSON.stringify(onRecord)).not.toContain(token)
  expect(gate.log.join('\n')).not.toContain(token)
  // Who asks for the refused commit by its id does not get it: it never left quarantine.
  const elsewhere = await ada.clone()
  expect(await elsewhere.git(['fetch', 'origin', commit])).toMatchObject({ code: 128 })

  work.write({ 'src/login.ts': "export const token = process.env.TOKEN ?? ''\n" })
  await work.text(['commit', '-qa', '--amend', '--no-edit'])
  expect(await work.push('HEAD:ada/login')).toMatchObject(accepted)
  await gate.idle({ within: seconds(30) })
})

test('a new branch is scanned for its own commits only, whatever old history holds', async () => {
  await using gate = await sharedGate()
  await gate.upstream.commit('main', 'An old sin', { 'old.ts': `export const t = '${githubToken()}'\n` })
  await gate.upstream.commit('main', 'Long after', { 'new.ts': 'export {}\n' })
  const ada = await gate.agent('ada', own)
  const work = await ada.clone()
  await work.commit('Something of its own', { 'mine.ts': 'export {}\n' })
  expect(await work.push('HEAD:ada/new')).toMatchObject(accepted)
})

test("upstream's refusal reaches the agent in upstream's own words", async () => {
  await using gate = await sharedGate()
  gate.upstream.refuse('GH006: protected branch', 'ask the team')
  const ada = await gate.agent('ada', own)
  const work = await ada.clone()
  await work.commit('Try')
  const refused = await work.push('HEAD:ada/try')
  expect(refused).toMatchObject(rejected)
  expect(refused.output).toMatch(/remote: upstream: GH006: protected branch/)
  expect(refused.output).toMatch(
    /! \[remote rejected\] HEAD -> ada\/try \(git-gate: upstream refused: pre-receive hook declined\)/,
  )
  expect(await gate.ledger.last()).toMatchObject({
    outcome: 'refused',
    upstreamOutput: 'GH006: protected branch\nask the team',
  })
  gate.upstream.hook('pre-receive')
  const pushed = await work.push('HEAD:ada/try')
  expect(pushed).toMatchObject(accepted)
  expect(pushed.output).not.toMatch(/error|warning/)

  // Not the same as an upstream that has moved, though git has the same word for both.
  await gate.upstream.git(['config', 'receive.denyNonFastForwards', 'true'])
  await work.text(['commit', '-q', '--amend', '--allow-empty', '-m', 'Try again'])
  const denied = await work.push('+HEAD:ada/try')
  expect(denied).toMatchObject(rejected)
  expect(denied.output).toMatch(/ada\/try \(git-gate: upstream refused: non-fast-forward\)/)
})

test('of several refs the one that upstream refuses is the reason, whichever was named first', async () => {
  await using gate = await sharedGate()
  gate.upstream.hook('update', 'case $1 in */b) echo "b is closed" >&2; exit 1;; esac')
  const ada = await gate.agent('ada', own)
  const work = await ada.clone()
  await work.commit('Try')
  const refused = await work.push('HEAD:ada/a', 'HEAD:ada/b')
  expect(refused).toMatchObject(rejected)
  expect(refused.output).toMatch(/remote: git-gate: refused: upstream refused: hook declined/)
  expect(refused.output).toMatch(/ada\/b \(git-gate: upstream refused: hook declined\)/)
  expect(refused.output).toMatch(
    /ada\/a \(git-gate: not pushed: another ref of this push was refused by upstream: refs\/heads\/ada\/b: upstream refused: hook declined\)/,
  )
  expect(await gate.upstream.ref('refs/heads/ada/a')).toBeUndefined()
})

test('a ref whose name a terminal would not show as it is has its reason all the same', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', own)
  const work = await ada.clone()
  await work.commit('Try')
  const refused = await work.push('HEAD:refs/heads/ada/❤️')
  expect(refused).toMatchObject(rejected)
  expect(refused.output).toMatch(/! \[remote rejected\] .*\(git-gate: .*invisible/)
  expect(refused.output).not.toMatch(/failed to report status|unknown ref/)
})

test('what upstream says on success reaches the agent too', async () => {
  await using gate = await sharedGate()
  gate.upstream.hook('post-receive', 'echo "Create a pull request: https://example.com/new" >&2')
  const ada = await gate.agent('ada', own)
  expect((await ada.push('refs/heads/ada/x', 'x')).output).toMatch(
    /upstream: Create a pull request: https:\/\/example.com\/new/,
  )
})

test('one refused ref refuses the push, and each ref has its own reason', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', own)
  const work = await ada.clone()
  await work.commit('Try')
  const refused = await work.push('HEAD:ada/fine', 'HEAD:main')
  expect(refused).toMatchObject(rejected)
  expect(refused.output).toMatch(
    /HEAD -> main \(git-gate: ada may update no ref|HEAD -> main \(git-gate: ada may update refs\/heads\/ada\/\*\* only\)/,
  )
  expect(refused.output).toMatch(
    /HEAD -> ada\/fine \(git-gate: not pushed: another ref of this push was refused: refs\/heads\/main: ada may update /,
  )
  expect(refused.output).toMatch(/git push .* [0-9a-f]{12}:refs\/heads\/ada\/main/)
  expect(await gate.upstream.ref('refs/heads/ada/fine')).toBeUndefined()
})

test('a force is judged by history: without the right it is refused, also when the client forces', async () => {
  await using gate = await sharedGate()
  const bob = await gate.agent('bob', { push: ['bob/**'] })
  const work = await bob.clone()
  await work.commit('One')
  expect(await work.push('HEAD:bob/x')).toMatchObject(accepted)
  await work.text(['commit', '-q', '--amend', '--allow-empty', '-m', 'Instead'])
  const refused = await work.push('+HEAD:bob/x')
  expect(refused).toMatchObject(rejected)
  expect(refused.output).toMatch(/git-gate: bob may force no ref here/)
  expect(refused.output).toMatch(/git rebase/)
})

describe('with a mirror that is seldom refreshed', () => {
  let seldom: Gate
  beforeAll(async () => {
    seldom = await startGate({ settings: { GATE_FETCH_FRESH_SECONDS: '3600' } })
  })
  afterAll(() => seldom[Symbol.asyncDispose]())

  test('a force does not overwrite what has come to upstream since the last refresh', async () => {
    const upstream = await seldom.repository('moved')
    const ada = await seldom.agent('ada', own, { repository: 'moved' })
    const work = await ada.clone()
    await work.commit('One')
    expect(await work.push('HEAD:ada/x')).toMatchObject(accepted)
    const moved = await upstream.commit('ada/x', 'Behind the gate')
    await work.text(['commit', '-q', '--amend', '--allow-empty', '-m', 'Instead'])
    const refused = await work.push('+HEAD:ada/x')
    expect(refused).toMatchObject(rejected)
    expect(refused.output).toMatch(/upstream has moved since you fetched/)
    expect(await upstream.ref('refs/heads/ada/x')).toBe(moved)
  })

  test('a branch that becomes another name of main after the last refresh is not pushed to', async () => {
    const upstream = await seldom.repository('renamed')
    const main = (await upstream.ref('refs/heads/main')) ?? ''
    for (const name of ['ada/same', 'ada/other'])
      await upstream.git(['update-ref', `refs/heads/${name}`, main])
    const other = await upstream.commit('ada/other', 'Elsewhere')
    const ada = await seldom.agent('ada', own, { repository: 'renamed' })
    const work = await ada.clone()
    await upstream.git(['symbolic-ref', 'refs/heads/ada/same', 'refs/heads/main'])
    await work.commit('Change')
    const refused = await work.push('HEAD:ada/same')
    expect(refused).toMatchObject(rejected)
    expect(refused.output).toMatch(/at upstream it is another name of refs\/heads\/main/)
    expect(await upstream.refs()).toMatchObject({
      'refs/heads/main': main,
      'refs/heads/ada/other': other,
    })
  })

  test('a branch that became another name of main is not pushed to from a mirror that is behind', async () => {
    const upstream = await seldom.repository('alias')
    await upstream.commit('ada/alias', 'Elsewhere')
    const ada = await seldom.agent('ada', own, { repository: 'alias' })
    const work = await ada.clone()
    // The agent knows upstream's new state; the mirror has neither the commit nor the symbolic ref.
    const moved = await upstream.commit('main', 'Behind the gate')
    await upstream.git(['symbolic-ref', 'refs/heads/ada/alias', 'refs/heads/main'])
    await work.text(['fetch', '-q', upstream.dir, 'main'])
    await work.text(['reset', '-q', '--hard', moved])
    const further = await work.commit('Further')
    const pack = await packOf(work, 'HEAD', '^origin/main')
    const { report } = await send(seldom, ada, body([[moved, further, 'refs/heads/ada/alias']], pack), {
      path: '/alias.git/git-receive-pack',
    })
    expect(report.join('\n')).toMatch(/at upstream it is another name of refs\/heads\/main/)
    expect(await upstream.ref('refs/heads/main')).toBe(moved)
  })
})

test.each([
  ['its host key is another one', 'host key', async (gate: Gate) => gate.upstream.changeHostKey()],
  ['it is down', 'cannot be reached', async (gate: Gate) => gate.upstream.stop()],
])('upstream cannot be used since %s: one clear line, quickly', async (_what, words, spoil) => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', own)
  const work = await ada.clone()
  await work.commit('Try')
  await spoil(gate)
  for (const ran of [await work.git(['fetch', 'origin']), await work.push('HEAD:ada/x')]) {
    expect(ran.code).not.toBe(0)
    expect(ran.output).toMatch(new RegExp(`remote: git-gate: .*${words}`))
    expect(ran.ms).toBeLessThan(seconds(15))
  }
})

test('a host that shows a bare key where a certificate authority is pinned is refused', async () => {
  await using gate = await sharedGate()
  const file = path.join(gate.home, 'authority')
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file])
  const { url, knownHosts } = gate.upstream.at()
  const [host = ''] = knownHosts.split(' ')
  gate.upstream.authorize(await gate.admin.identity('for-certified'))
  await gate.admin.repository('certified', {
    upstream: url,
    identity: 'for-certified',
    knownHosts: `@cert-authority ${host} ${fs.readFileSync(`${file}.pub`, 'utf8')}`,
    staleReads: false,
  })
  const ada = await gate.agent('ada', own, { repository: 'certified' })
  const ran = await ada.tryClone()
  expect(ran.code).not.toBe(0)
  expect(ran.output).toMatch(/remote: git-gate: the host key of .* is not the one pinned for certified/)
})

test('upstream does not accept the identity: the line says so and what to do', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', own)
  await gate.admin.identity('stranger')
  const { url, knownHosts } = gate.upstream.at()
  await gate.admin.repository('closed', {
    upstream: url,
    identity: 'stranger',
    knownHosts,
    staleReads: false,
  })
  const eve = await gate.agent('eve', own, { repository: 'closed' })
  const ran = await eve.tryClone()
  expect(ran.code).not.toBe(0)
  expect(ran.output).toMatch(
    /remote: git-gate: .* does not accept the identity "stranger"\. Nothing you can do: .*deploy key/,
  )
  expect(await ada.clone()).toBeDefined()
})
