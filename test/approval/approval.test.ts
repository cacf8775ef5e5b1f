import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { AgentGrant } from '../../src/contract/admin-api/agents.ts'
import { gitGate } from '../cli/command.ts'
import { type Agent, type Gate, startGate } from '../harness/index.ts'
import { anyKey } from '../scan/fixtures/fakes.ts'
import { approvalsOf, pushThatWaits } from './fixtures/approvals.ts'

const WORKFLOWS = { paths: ['.github/workflows/**'] }

let gate: Gate
let approvals: ReturnType<typeof approvalsOf>
let ada: Agent
beforeAll(async () => {
  gate = await startGate({ settings: { GATE_PUBLIC_URL: 'https://gate.example/' } })
  approvals = approvalsOf(gate)
  ada = await gate.agent('ada', { push: ['ada/**'], ask: [WORKFLOWS] })
})
afterAll(() => gate[Symbol.asyncDispose]())

test('a push that waits is refused with its id, kept, and forwarded by the gate once it is approved', async () => {
  const push = await pushThatWaits(ada, 'ci')
  expect(push.output).toContain('needs an approval: changes .github/workflows/ci.yml')
  expect(push.output).toContain(
    'Nothing to do: a person decides, and then the gate forwards these commits itself',
  )
  expect(push.output).toContain(`https://gate.example/-/console/approvals/${push.id}`)
  expect(await gate.upstream.ref(push.ref)).toBeUndefined()
  expect((await push.again()).output).toContain(`still waits for an approval: push ${push.id}`)
  expect(await approvals.list('?state=waiting')).toMatchObject([
    { id: push.id, agent: 'ada', state: 'waiting', needed: 1, refs: [{ ref: push.ref, new: push.commit }] },
  ])

  const approved = await approvals.approve(push.id)
  expect(approved).toMatchObject({ state: 'forwarded', approvedBy: [{ operator: 'first admin token' }] })
  expect(await gate.upstream.ref(push.ref)).toBe(push.commit)
  expect(await gate.ledger.last()).toMatchObject({
    id: approved.forward,
    agent: 'ada',
    outcome: 'accepted',
    clientVersion: `approval of ${push.id}`,
  })
  expect((await push.again()).output).toContain('Everything up-to-date')
  const { entries } = z
    .object({ entries: z.array(z.object({ action: z.string(), operator: z.string(), subject: z.string() })) })
    .parse(await gate.admin.request('GET', '/audit-log?limit=5'))
  expect(entries).toContainEqual(
    expect.objectContaining({ action: 'approval.approve', operator: 'first admin token', subject: push.id }),
  )
  await expect(approvals.approve(push.id)).rejects.toThrow('does not wait for an approval: it is forwarded')
})

test('the command line lists, shows, approves and rejects', async () => {
  const push = await pushThatWaits(ada, 'cli')
  const env = { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken }
  const run = async (...args: string[]) => gitGate(['approval', ...args], { env })
  expect((await run('list')).stdout).toMatch(new RegExp(`${push.id} +waiting +ada +app`))
  expect((await run('show', push.id)).stdout).toContain('approvals:   0 of 1')
  const approved = await run('approve', push.id)
  expect(approved).toMatchObject({ code: 0, stdout: expect.stringContaining(`push ${push.id}: forwarded`) })
  expect(await gate.upstream.ref(push.ref)).toBe(push.commit)
  expect(await run('reject', push.id, '--reason', 'late')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('it is forwarded'),
  })
})

test('the reason of a rejection is told to the next push of the same commits', async () => {
  const push = await pushThatWaits(ada, 'no')
  expect(await approvals.reject(push.id, 'pin the action to a commit')).toMatchObject({ state: 'rejected' })
  const again = await push.again()
  expect(again.output).toContain(`rejected by an operator: push ${push.id}`)
  expect(again.output).toContain('the reason: pin the action to a commit')
  await expect(approvals.approve(push.id)).rejects.toThrow('it is rejected')
  expect(await gate.upstream.ref(push.ref)).toBeUndefined()
})

test('an approved push whose branch has moved at upstream asks for a new push', async () => {
  await ada.push('refs/heads/ada/moved', 'one')
  const work = await ada.clone('--branch', 'ada/moved')
  await work.commit('Workflow', { '.github/workflows/moved.yml': 'on: push\n' })
  const { output } = await work.push('HEAD:refs/heads/ada/moved')
  const id = /waits for an approval: push (\w+)/.exec(output)?.[1] ?? ''
  const other = await gate.agent('eve', { push: ['ada/**'] })
  const theirs = await other.clone('--branch', 'ada/moved')
  const tip = await theirs.commit('More', { more: 'more' })
  expect((await theirs.push('HEAD:refs/heads/ada/moved')).code).toBe(0)
  expect(await approvals.approve(id)).toMatchObject({
    state: 'failed',
    answer: expect.stringContaining('upstream has moved'),
  })
  expect(await gate.upstream.ref('refs/heads/ada/moved')).toBe(tip)
})

test('an approval needs as many different people as its rule says', async () => {
  const bob = await gate.agent('bob', { push: ['bob/**'], ask: [{ ...WORKFLOWS, approvals: 2 }] })
  const push = await pushThatWaits(bob, 'two')
  expect(push.output).toContain('2 people have to approve')
  expect(await approvals.approve(push.id)).toMatchObject({ state: 'waiting', needed: 2 })
  await expect(approvals.approve(push.id)).rejects.toThrow('has the approval of first admin token already')
  const { token } = z
    .object({ token: z.string() })
    .parse(await gate.admin.request('POST', '/admin-tokens', { label: 'grace' }))
  expect((await approvals.as(token, 'POST', `/approvals/${push.id}/approve`)).status).toBe(200)
  expect(await approvals.show(push.id)).toMatchObject({ state: 'forwarded' })
  expect(await gate.upstream.ref(push.ref)).toBe(push.commit)
})

test('an approval by fewer people than the grant now asks for forwards nothing', async () => {
  const dan = await gate.agent('dan', { push: ['dan/**'], ask: [WORKFLOWS] })
  const push = await pushThatWaits(dan, 'more')
  const { terms } = AgentGrant.parse(await gate.admin.request('GET', '/grants/dan/app'))
  await gate.admin.grant('dan', 'app', { ...terms, ask: terms.ask.map(rule => ({ ...rule, approvals: 2 })) })
  expect(await approvals.approve(push.id)).toMatchObject({
    state: 'failed',
    answer: expect.stringContaining('now asks for 2 approvals'),
  })
  expect(await gate.upstream.ref(push.ref)).toBeUndefined()
})

test('an approval holds only while the agent still has its token and grant', async () => {
  const cas = await gate.agent('cas', { push: ['cas/**'], ask: [WORKFLOWS] })
  const push = await pushThatWaits(cas, 'revoked')
  await gate.admin.request('DELETE', `/tokens/${cas.tokenId}`)
  expect(await approvals.approve(push.id)).toMatchObject({
    state: 'failed',
    answer: expect.stringContaining('was revoked'),
  })
  expect(await gate.upstream.ref(push.ref)).toBeUndefined()
})

test('a push whose time is over is approved no more, and the next push waits anew', async () => {
  const push = await pushThatWaits(ada, 'late')
  approvals.inLedger('UPDATE approvals SET expires_at = 1 WHERE id = ?', push.id)
  await expect(approvals.approve(push.id)).rejects.toThrow('it is expired')
  await gate.tick()
  expect(await approvals.show(push.id)).toMatchObject({ state: 'expired' })
  const again = await push.again()
  expect(again.output).toMatch(/waits for an approval: push (?!$)/)
  expect(again.output).not.toContain(push.id)
})

test('an approval of a disputed finding grants its exception for this push', async () => {
  const dan = await gate.agent('dan', { push: ['dan/**'], ask: [{ findings: true }] })
  const work = await dan.clone()
  const tip = await work.commit('Sample', { 'sample.txt': `key = "${anyKey()}" # gitleaks:allow\n` })
  const { output } = await work.push('HEAD:refs/heads/dan/sample')
  const id = /waits for an approval: push (\w+)/.exec(output)?.[1] ?? ''
  expect(output).toContain('findings that ask for an exception')
  expect(await approvals.approve(id)).toMatchObject({ state: 'forwarded', findings: true })
  expect(await gate.upstream.ref('refs/heads/dan/sample')).toBe(tip)
  // A finding that does not ask is refused first.
  await work.commit('Leak', { 'leak.txt': `key = "${anyKey()}"\n` })
  const leak = await work.push('HEAD:refs/heads/dan/sample')
  expect(leak.output).toContain('secret found')
  expect(leak.output).not.toContain('waits for an approval')
})

test('a push waits for refs, force, deletion and size, and for a refusal it does not wait', async () => {
  const fay = await gate.agent('fay', {
    push: ['fay/**', 'main', 'refs/tags/**'],
    force: ['fay/**'],
    delete: ['fay/**'],
    denyPaths: ['secret/**'],
    ask: [{ refs: ['refs/heads/main'] }, { actions: ['force', 'delete'] }, { overBytes: 1000 }],
  })
  const needs = (output: string) => /needs an approval: (.*)/.exec(output)?.[1]?.trim()
  const work = await fay.clone()
  await work.commit('One', { a: 'a' })
  expect((await work.push('HEAD:refs/heads/fay/x')).code).toBe(0)
  expect(needs((await work.push('HEAD:refs/heads/main')).output)).toBe('refs/heads/main')
  await work.git(['commit', '-q', '--amend', '-m', 'Two'])
  expect(needs((await work.push('--force', 'HEAD:refs/heads/fay/x')).output)).toBe(
    'force of refs/heads/fay/x',
  )
  expect(needs((await work.push(':refs/heads/fay/x')).output)).toBe('delete of refs/heads/fay/x')
  await work.commit('Large', { large: 'x'.repeat(2000) })
  expect(needs((await work.push('HEAD:refs/heads/fay/large')).output)).toMatch(/^large is /)
  const blob = (await work.git(['rev-parse', 'HEAD:large'])).stdout.trim()
  expect(needs((await work.push(`${blob}:refs/tags/large`)).output)).toMatch(/^a tagged file is /)
  await work.commit('Denied', { 'secret/a': 'a' })
  const denied = await work.push('HEAD:refs/heads/fay/denied')
  expect(denied.output).toContain('secret/a may not be changed')
  expect(denied.output).not.toContain('approval')
  // A deletion has no objects, and is forwarded as well.
  const [deletion] = (await approvals.list('?state=waiting')).filter(({ asks }) =>
    asks[0]?.startsWith('delete'),
  )
  expect(await approvals.approve(deletion?.id ?? '')).toMatchObject({ state: 'forwarded' })
  expect(await gate.upstream.ref('refs/heads/fay/x')).toBeUndefined()
})

test('a rule for a ref and paths asks too when the commits are at another ref of upstream already', async () => {
  const kim = await gate.agent('kim', {
    push: ['kim/**', 'main'],
    ask: [
      { refs: ['refs/heads/main', 'refs/heads/kim/release/**'], paths: ['deploy/**'] },
      { refs: ['refs/heads/main'], overBytes: 1000 },
    ],
  })
  const work = await kim.clone()
  await work.commit('Deploy', { 'deploy/prod': 'now', large: 'x'.repeat(2000) })
  expect((await work.push('HEAD:refs/heads/kim/side')).code).toBe(0)

  const { output } = await work.push('HEAD:refs/heads/main')
  expect(output).toContain('needs an approval: refs/heads/main; changes deploy/prod')
  expect(output).toContain('needs an approval: refs/heads/main; large is ')
  const created = await work.push('HEAD:refs/heads/kim/release/1')
  expect(created.output).toContain('needs an approval: refs/heads/kim/release/1; changes deploy/prod')
})
