import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Agent, accepted, type Clone, type Gate, seconds, startGate } from '../harness/index.ts'
import { githubToken } from '../scan/fixtures/fakes.ts'
import { postPush, pushBody, shownOf } from './fixtures/raw-push.ts'
import { type SlowGitleaks, slowGitleaks } from './fixtures/slow/slow-gitleaks.ts'

let gate: Gate
let gitleaks: SlowGitleaks
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-revocation-'))

beforeAll(async () => {
  gitleaks = slowGitleaks(dir)
  gate = await startGate({
    settings: {
      GATE_GITLEAKS: gitleaks.program,
      GATE_GIT_LISTEN: '127.0.0.1:0',
      GATE_GIT_AGENT: 'gita',
    },
  })
}, seconds(60))
afterAll(async () => {
  await gate?.[Symbol.asyncDispose]()
  fs.rmSync(dir, { recursive: true, force: true })
})

const grantOf = (name: string) => `/grants/${name}/app`
const allowing = (pattern: string, more = {}) => ({
  rules: [{ pattern, allow: ['create', 'update'] }],
  ...more,
})

/** Holds a push in its scan, calls `act`, then lets the scan go on. */
async function pushDuring(
  agent: Agent,
  act: () => Promise<unknown>,
  { files = { content: 'hello\n' }, url }: { files?: Record<string, string>; url?: string } = {},
) {
  const work: Clone = await agent.clone()
  await work.commit('Change', files)
  const ref = `refs/heads/${agent.name}/change`
  gitleaks.be('waits')
  const push = url === undefined ? work.push(`HEAD:${ref}`) : work.git(['push', url, `HEAD:${ref}`])
  await gitleaks.started()
  await act()
  gitleaks.be('real')
  const ran = await push
  return { ...ran, upstream: await gate.upstream.ref(ref), record: await gate.ledger.last() }
}

describe('a right that is removed during the scan stops the push before its forward', () => {
  test.for<[string, string, (agent: Agent) => Promise<unknown>, RegExp]>([
    [
      'the token is revoked',
      'ada',
      ({ tokenId }) => gate.admin.request('DELETE', `/tokens/${tokenId}`),
      /the token \S+ was revoked during the push/,
    ],
    [
      'the grant is removed',
      'bob',
      ({ name }) => gate.admin.request('DELETE', grantOf(name)),
      /bob lost its grant during the push/,
    ],
    [
      'the agent is removed',
      'cleo',
      ({ name }) => gate.admin.request('DELETE', `/agents/${name}`),
      /the token \S+ was revoked during the push/,
    ],
    [
      'the grant is narrowed to other refs',
      'dan',
      ({ name }) => gate.admin.request('PUT', grantOf(name), allowing('refs/heads/other/**')),
      /may not create refs\/heads\/dan\/change|refs\/heads\/dan\/change/,
    ],
    [
      'the grant is narrowed to other paths',
      'eve',
      ({ name }) =>
        gate.admin.request('PUT', grantOf(name), allowing('refs/heads/**', { denyPaths: ['content'] })),
      /content/,
    ],
  ])('%s', async ([, name, act, told]) => {
    const agent = await gate.agent(name, { push: [`refs/heads/${name}/**`] })
    const after = await pushDuring(agent, () => act(agent))
    expect(after.code).not.toBe(0)
    expect(after.output).toMatch(told)
    expect(after.upstream).toBeUndefined()
    expect(after.record.outcome).toBe('refused')
  })

  test('the exception of a finding is revoked', async () => {
    const finn = await gate.agent('finn', { push: ['refs/heads/finn/**'] })
    const files = { 'app.ts': `export const token = '${githubToken()}'\n` }
    const work = await finn.clone()
    await work.commit('Secret', files)
    gitleaks.be('real')
    expect((await work.push('HEAD:refs/heads/finn/first')).code).not.toBe(0)
    const [finding] = (await gate.ledger.last()).findings
    const fingerprint = finding?.fingerprint
    const exception = (await gate.admin.request('POST', '/exceptions', {
      repository: 'app',
      fingerprint,
      reason: 'a test',
    })) as { id: string }
    const revoke = () => gate.admin.request('DELETE', `/exceptions/${exception.id}`)
    const after = await pushDuring(finn, revoke, { files })
    expect(after.output).toContain('an exception that it needs is no longer in force')
    expect(after.upstream).toBeUndefined()
  })

  test('over git:// the grant is removed', async () => {
    const gita = await gate.agent('gita', { push: ['refs/heads/gita/**'] })
    const remove = () => gate.admin.request('DELETE', grantOf('gita'))
    const after = await pushDuring(gita, remove, { url: gate.gitUrl() })
    expect(after.output).toMatch('gita lost its grant during the push')
    expect(after.upstream).toBeUndefined()
  })
})

test('a push is accepted when its grant is widened during the scan', async () => {
  const hal = await gate.agent('hal', { push: ['refs/heads/hal/**'] })
  const after = await pushDuring(hal, () =>
    gate.admin.request('PUT', grantOf('hal'), allowing('refs/heads/**')),
  )
  expect(after).toMatchObject(accepted)
  expect(after.record.outcome).toBe('accepted')
})

test('a push is not forwarded when its token, grant and agent are removed while its pack arrives', async () => {
  const ida = await gate.agent('ida', { push: ['refs/heads/ida/**'] })
  const work = await ida.clone()
  await work.commit('Change', { content: 'hello\n' })
  const ref = 'refs/heads/ida/change'
  const body = await pushBody(work, ref)
  const raw = await postPush(gate.port, '/app.git/git-receive-pack', {
    authorization: `Bearer ${ida.token}`,
  })
  raw.send(body.subarray(0, -200))
  await gate.ledger.until(({ agent, refs }) => agent === 'ida' && refs.length > 0)
  await gate.admin.request('DELETE', `/tokens/${ida.tokenId}`)
  await gate.admin.request('DELETE', grantOf('ida'))
  await gate.admin.request('DELETE', '/agents/ida')
  raw.send(body.subarray(-200))
  raw.end()
  await raw.reported()
  expect(shownOf(raw.answer)).toMatch(/remote rejected.* was revoked during the push/)
  expect(await gate.upstream.ref(ref)).toBeUndefined()
  expect(await gate.ledger.last()).toMatchObject({ agent: 'ida', outcome: 'refused' })
})
