import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PushRecord } from '../../src/contract/admin-api/pushes.ts'
import { ConnectionCheck } from '../../src/contract/admin-api/status.ts'
import { PushDiff } from '../../src/contract/companion-api/push-diff.ts'
import { approvalsOf, pushThatWaits } from '../approval/fixtures/approvals.ts'
import { makeCertificates, startHttpsHost } from '../harness/hosts/https-host.ts'
import {
  type Agent,
  accepted,
  type Gate,
  git,
  gitText,
  rejected,
  startGate,
  startUpstream,
  type Upstream,
} from '../harness/index.ts'

const NULL_ID = '0'.repeat(64)

let gate: Gate
let upstream: Upstream
let ada: Agent
beforeAll(async () => {
  gate = await startGate({ settings: { GATE_GIT_LISTEN: '127.0.0.1:0', GATE_GIT_AGENT: 'ada' } })
  upstream = await startUpstream()
  await toSha256(upstream)
  await firstCommit(upstream)
  await gate.repository('long', { upstream })
  const rights = {
    push: ['ada/**'],
    delete: ['ada/**'],
    force: ['ada/**'],
    tags: ['v*'],
    denyPaths: ['keys/**'],
  }
  ada = await gate.agent('ada', rights, { repository: 'long' })
})
afterAll(async () => {
  await gate?.[Symbol.asyncDispose]()
  await upstream?.[Symbol.asyncDispose]()
})

/** Replaces an upstream by an empty repository with SHA-256 object ids. */
async function toSha256({ dir }: Upstream): Promise<void> {
  fs.rmSync(dir, { recursive: true })
  await gitText(['init', '-q', '--bare', '--object-format=sha256', dir])
}

/** Commits to main. git 2.39 clones an empty repository in the format SHA-1 only. */
async function firstCommit({ git: run }: Upstream): Promise<void> {
  const tree = await run(['hash-object', '-t', 'tree', '-w', '/dev/null'])
  const commit = await run(['commit-tree', '-m', 'First', tree])
  await run(['update-ref', 'refs/heads/main', commit])
}

const lastPush = async () => {
  const { id } = await gate.ledger.last()
  return PushRecord.parse(await gate.admin.request('GET', `/pushes/${id}`))
}

test('a SHA-256 upstream is cloned, pushed to, rewritten, tagged and deleted from', async () => {
  const work = await ada.clone()
  expect(await work.text(['rev-parse', '--show-object-format'])).toBe('sha256')
  const first = await work.commit('Add a file', { 'folder/file': 'one\n' })
  const created = await work.push('HEAD:refs/heads/ada/x')
  expect(created, created.output).toMatchObject(accepted)
  expect(await upstream.ref('refs/heads/ada/x')).toBe(first)
  const record = await lastPush()
  expect(record).toMatchObject({ outcome: 'accepted', refs: [{ old: NULL_ID, new: first, status: 'ok' }] })
  const diff = PushDiff.array().parse(await gate.admin.request('GET', `/pushes/${record.id}/diff`))
  expect(diff[0]?.changes?.diff?.text).toContain('+one')

  await work.text(['commit', '-q', '--amend', '-m', 'Add a better file'])
  const forced = await work.push('--force', 'HEAD:refs/heads/ada/x')
  expect(forced, forced.output).toMatchObject(accepted)
  await work.text(['tag', '-a', '-m', 'One', 'v1'])
  expect(await work.push('v1')).toMatchObject(accepted)
  expect(await upstream.git(['cat-file', '-t', 'v1'])).toBe('tag')

  await upstream.commit('main', 'Second')
  expect(await work.git(['fetch', 'origin', 'main'])).toMatchObject(accepted)
  expect(await work.text(['rev-parse', 'FETCH_HEAD'])).toBe(await upstream.ref('refs/heads/main'))
  const shallow = await ada.clone('--depth=1', '--branch=main')
  await shallow.commit('From a shallow clone')
  expect(await shallow.push('HEAD:refs/heads/ada/shallow')).toMatchObject(accepted)

  const gone = await work.push('--delete', 'refs/heads/ada/x', 'refs/heads/ada/none')
  expect(gone, gone.output).toMatchObject(accepted)
  expect(gone.output).toContain('there is no refs/heads/ada/none to delete')
  expect(await upstream.ref('refs/heads/ada/x')).toBeUndefined()
})

test('a SHA-256 upstream over HTTPS is cloned, pushed to and fetched from', async () => {
  await using web = await startUpstream()
  await toSha256(web)
  await firstCommit(web)
  const certificates = makeCertificates()
  await using host = await startHttpsHost(web.dir, certificates)
  const secret = randomBytes(20).toString('hex')
  host.tokens.set(secret, 'write')
  await gate.admin.request('PUT', '/credentials/bot', { user: 'bot', secret })
  const repository = { name: 'web', upstream: host.url, credential: 'bot', ca: certificates.ca }
  await gate.admin.request('POST', '/repositories', repository)
  const cy = await gate.agent('cy', { push: ['cy/**'], delete: ['cy/**'] }, { repository: 'web' })
  const work = await cy.clone()
  expect(await work.text(['rev-parse', '--show-object-format'])).toBe('sha256')
  const commit = await work.commit('Over HTTPS', { file: 'one\n' })
  const pushed = await work.push('HEAD:cy/x')
  expect(pushed, pushed.output).toMatchObject(accepted)
  expect(await web.ref('refs/heads/cy/x')).toBe(commit)
  await web.commit('main', 'Past the gate')
  await work.text(['fetch', '-q', 'origin', 'main'])
  expect(await work.text(['rev-parse', 'FETCH_HEAD'])).toBe(await web.ref('refs/heads/main'))
  expect(await work.push('--delete', 'cy/x')).toMatchObject(accepted)
  expect(await web.ref('refs/heads/cy/x')).toBeUndefined()
})

test('over git:// a SHA-256 upstream is cloned, pushed to and fetched from', async () => {
  const work = await ada.clone()
  await work.text(['remote', 'set-url', 'origin', gate.gitUrl('long')])
  const commit = await work.commit('Over git://', { file: 'two\n' })
  const pushed = await work.push('HEAD:ada/daemon')
  expect(pushed, pushed.output).toMatchObject(accepted)
  expect(await upstream.ref('refs/heads/ada/daemon')).toBe(commit)
  await work.commit('A setting', { 'settings.py': `token = 'ghp_${randomBytes(18).toString('hex')}'\n` })
  const refused = await work.push('HEAD:ada/daemon')
  expect(refused.output).toContain('secret found: github-pat in settings.py:1')
  const at = `${work.dir}/.git/cloned`
  const cloned = await git(['clone', '-q', '-b', 'ada/daemon', gate.gitUrl('long'), at])
  expect(cloned, cloned.output).toMatchObject(accepted)
  expect(await gitText(['rev-parse', 'HEAD'], { cwd: at })).toBe(commit)
})

test('rules, leases and the scan hold for SHA-256 ids', async () => {
  const work = await ada.clone()
  const start = await work.text(['rev-parse', 'HEAD'])
  await work.commit('A setting', { 'settings.py': `token = 'ghp_${randomBytes(18).toString('hex')}'\n` })
  const secret = await work.push('HEAD:refs/heads/ada/secret')
  expect(secret, secret.output).toMatchObject(rejected)
  expect(secret.output).toContain('secret found: github-pat in settings.py:1')
  expect((await lastPush()).findings[0]?.commit).toBe(await work.text(['rev-parse', 'HEAD']))

  await work.text(['reset', '-q', '--hard', start])
  await work.commit('A denied path', { 'keys/a': 'a\n' })
  expect((await work.push('HEAD:refs/heads/ada/path')).output).toContain('keys/a')
  await work.text(['reset', '-q', '--hard', start])
  await work.commit('Not mine')
  expect((await work.push('HEAD:refs/heads/main')).output).toContain('ada may update refs/heads/ada/** only')

  // git's own commands make no empty folder: its name is seen through the id of the empty tree.
  const empty = await work.text(['mktree', '--missing', '-z'])
  const name = `ghp_${randomBytes(18).toString('hex')}`
  const tree = await work.git(['mktree'], { input: `040000 tree ${empty}\t${name}\n` })
  const commit = await work.text(['commit-tree', '-p', start, '-m', 'A folder', tree.stdout.trim()])
  const folder = await work.push(`${commit}:refs/heads/ada/folder`)
  expect(folder, folder.output).toMatchObject(rejected)
  expect(folder.output).toContain('secret found')

  await upstream.commit('ada/moved', 'At upstream')
  await work.text(['fetch', '-q'])
  await upstream.commit('ada/moved', 'Past the gate')
  await work.text(['switch', '-q', '--detach', 'origin/ada/moved'])
  await work.commit('Late')
  const late = await work.push('HEAD:refs/heads/ada/moved')
  expect(late, late.output).toMatchObject(rejected)
  expect(late.output).toMatch(/upstream has moved|fetch first/)
})

test('a push that waits for an approval is forwarded in the format of the upstream', async () => {
  const rights = { push: ['bob/**'], ask: [{ refs: ['refs/heads/bob/**'] }] }
  const bob = await gate.agent('bob', rights, { repository: 'long' })
  const { approve } = approvalsOf(gate)
  const push = await pushThatWaits(bob, 'asked')
  expect(await approve(push.id)).toMatchObject({ state: 'forwarded' })
  expect(await upstream.ref(push.ref)).toBe(push.commit)
  // A second branch at the same commit comes in a pack without objects.
  const second = await push.work.push('HEAD:refs/heads/bob/second')
  const id = /waits for an approval: push (\w+)/.exec(second.output)?.[1]
  if (id === undefined) throw new Error(second.output)
  expect(await approve(id)).toMatchObject({ state: 'forwarded' })
  expect(await upstream.ref('refs/heads/bob/second')).toBe(push.commit)
})

test('doctor has no complaint, and an empty SHA-256 upstream takes its first push', async () => {
  const { steps } = ConnectionCheck.parse(await gate.admin.request('POST', '/repositories/long/check'))
  expect(steps.filter(({ ok }) => !ok)).toEqual([])
  await using empty = await startUpstream()
  await toSha256(empty)
  await gate.repository('empty', { upstream: empty })
  await gate.admin.grant('ada', 'empty', { rules: [{ pattern: 'refs/heads/**', allow: ['create'] }] })
  const work = await ada.clone()
  const pushed = await work.git(['push', ada.url('empty'), 'HEAD:refs/heads/main'])
  expect(pushed, pushed.output).toMatchObject(accepted)
  expect(await empty.ref('refs/heads/main')).toBe(await work.text(['rev-parse', 'HEAD']))
})

test('an upstream that changes its object format is an error in words, until its mirror is deleted', async () => {
  const changing = await gate.repository('changing')
  await gate.admin.grant('ada', 'changing', { rules: [{ pattern: 'refs/heads/**', allow: ['create'] }] })
  expect(await git(['ls-remote', ada.url('changing')])).toMatchObject(accepted)
  await toSha256(changing)
  await firstCommit(changing)
  const listed = await git(['ls-remote', ada.url('changing')])
  expect(listed.code).not.toBe(0)
  expect(listed.output).toContain('the upstream has SHA-256 object ids now, and its mirror has other ids')
  const { steps } = ConnectionCheck.parse(await gate.admin.request('POST', '/repositories/changing/check'))
  const mirror = /a cache: (\S+\.git)/.exec(steps.at(-1)?.fix ?? '')?.[1]
  if (!mirror) throw new Error(`doctor names no mirror: ${JSON.stringify(steps.at(-1))}`)
  fs.rmSync(mirror, { recursive: true })
  const again = await git(['ls-remote', ada.url('changing')])
  expect(again, again.output).toMatchObject(accepted)
  expect(again.stdout).toContain(`${await changing.ref('refs/heads/main')}\trefs/heads/main`)
})
