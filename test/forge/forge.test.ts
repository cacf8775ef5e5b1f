import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { PushRecord } from '../../src/contract/admin-api/pushes.ts'
import { type Agent, accepted, type Clone, type Gate, rejected, sharedGate } from '../harness/index.ts'
import { type StandInHost, startStandInHost } from './stand-in-host.ts'

let gate: Gate
let host: StandInHost
let ada: Agent
let work: Clone
beforeAll(async () => {
  host = await startStandInHost('github')
  host.serve(PROJECT)
  gate = await sharedGate()
  await gate.admin.request('PUT', '/credentials/bot', { user: 'bot', secret: host.token })
  await setHost({ credential: 'bot' })
  ada = await gate.agent('ada', { push: ['ada/**'], pullRequests: ['main', 'release/*'] })
  work = await ada.clone()
})
afterAll(async () => {
  await gate?.[Symbol.asyncDispose]()
  await host?.[Symbol.asyncDispose]()
})

/** Gives the repository the stand-in's API. Its upstream, behind sshd, has another path than the project. */
async function setHost(changes: object) {
  const current = (await gate.admin.request('GET', '/repositories/app')) as Record<string, unknown>
  const { name: _, createdAt: __, ...settings } = current
  await gate.admin.request('PUT', '/repositories/app', {
    ...settings,
    forge: 'github',
    apiUrl: host.api,
    ...changes,
  })
}

/** The upstream's path below sshd, as the gate sees it. */
const PROJECT = 'repository'
const lastPush = async () => {
  const { id } = await gate.ledger.last()
  return PushRecord.parse(await gate.admin.request('GET', `/pushes/${id}`))
}
const mainPulls = () =>
  host.pulls.map(({ branch, base, title, body, isDraft }) => ({ branch, base, title, body, isDraft }))

test('an accepted push opens a pull request, with the commits as its text, and the next push finds it', async () => {
  await work.text(['switch', '-q', '-c', 'one', 'origin/main'])
  await work.text(['commit', '-q', '--allow-empty', '-m', 'Fix the login', '-m', 'It was broken.'])
  const ran = await work.push('-o', 'pr', 'HEAD:ada/one')
  expect(ran, ran.output).toMatchObject(accepted)
  const url = `${host.api}/acme/app/pull/1`
  expect(ran.output).toContain(`remote: git-gate: pull request opened: ${url}`)
  expect(mainPulls()).toEqual([
    { branch: 'ada/one', base: 'main', title: 'Fix the login', body: 'It was broken.', isDraft: false },
  ])
  const record = await lastPush()
  expect(record).toMatchObject({ outcome: 'accepted', pullRequest: { url, number: 1, isNew: true } })
  expect(record.remoteLines).toContain(`git-gate: pull request opened: ${url}`)

  await work.commit('And the logout')
  const again = await work.push('-o', 'pr', 'HEAD:ada/one')
  expect(again.output).toContain(`remote: git-gate: pull request is open: ${url}`)
  expect(host.pulls).toHaveLength(1)
  expect(await lastPush()).toMatchObject({ pullRequest: { url, number: 1, isNew: false } })
})

test('title, body, base and draft are as the push says', async () => {
  await work.text(['switch', '-q', '-c', 'two', 'origin/main'])
  await work.commit('First thing')
  await work.commit('Second thing')
  const options = ['pr.title=Both things', 'pr.base=release/1', 'pr.body=One\\n\\nTwo', 'pr.draft']
  const ran = await work.push(...options.flatMap(option => ['-o', option]), 'HEAD:ada/two')
  expect(ran, ran.output).toMatchObject(accepted)
  expect(mainPulls().at(-1)).toEqual({
    branch: 'ada/two',
    base: 'release/1',
    title: 'Both things',
    body: 'One\n\nTwo',
    isDraft: true,
  })
  const many = await work.push('-o', 'pr', 'HEAD:ada/three')
  expect(many, many.output).toMatchObject(accepted)
  expect(mainPulls().at(-1)).toMatchObject({ title: 'First thing', body: '- First thing\n- Second thing' })
})

test('a host that refuses does not undo the push, and the agent reads why', async () => {
  await work.text(['switch', '-q', '-c', 'four', 'origin/main'])
  const commit = await work.commit('Four')
  host.answerNextPost({ status: 403, body: { message: 'Resource not accessible by personal access token' } })
  const ran = await work.push('-o', 'pr', 'HEAD:ada/four')
  expect(ran, ran.output).toMatchObject(accepted)
  expect(await gate.upstream.ref('refs/heads/ada/four')).toBe(commit)
  expect(ran.output).toMatch(
    /the push is accepted; no pull request: .*does not let the credential bot open pull/,
  )
  const record = await lastPush()
  expect(record).toMatchObject({ outcome: 'accepted', pullRequest: null })
  expect(record.remoteLines.join('\n')).toContain('Resource not accessible')
})

test.each([
  [['-o', 'pr.base=production'], /ada may not open pull requests into production/],
  [['-o', 'pr.base=ada/no'], /pr\.base is ada\/no, the pushed branch itself/],
  [['-o', 'pr.base=..'], /pr\.base is not the name of a branch/],
  [['-o', 'pr.reviewer=me'], /pr\.reviewer is not one of a pull request/],
  [['-o', 'pr', 'HEAD:ada/no2'], /of one branch/],
  [['-o', 'pr', '-o', 'ci.skip'], /ada may not pass the push option ci\.skip/],
])('refused before the pack: %j', async (options, why) => {
  const before = host.requests.length
  const ran = await work.push(...options, 'HEAD:ada/no')
  expect(ran, ran.output).toMatchObject(rejected)
  expect(ran.output).toMatch(why)
  expect(await lastPush()).toMatchObject({ outcome: 'refused', step: 'receiving' })
  expect(host.requests).toHaveLength(before)
  expect(await gate.upstream.ref('refs/heads/ada/no')).toBeUndefined()
})

test('an agent without the right, and a repository without a credential, are told so before the pack', async () => {
  const bob = await gate.agent('bob', { push: ['bob/**'] })
  const his = await bob.clone()
  await his.commit('Bob')
  expect((await his.push('-o', 'pr', 'HEAD:bob/x')).output).toMatch(/bob may not open pull requests in app/)
  await setHost({ credential: null })
  expect((await work.push('-o', 'pr', 'HEAD:ada/no')).output).toMatch(/no credential for the API/)
  await setHost({ credential: 'bot' })
})

test('a secret in the text of a pull request refuses the push', async () => {
  const secret = ['gh', 'p_', 'x7Kq2mZ9', 'Lw4Tn8Vb', 'R3Yc6Hd1', 'Sf5Gj0Pa', 'Eu2I'].join('')
  const ran = await work.push('-o', `pr.body=see\\n${secret}`, 'HEAD:ada/secret')
  expect(ran, ran.output).toMatchObject(rejected)
  expect(ran.output).toMatch(/secret found: github-pat in push option/)
  expect(ran.output).not.toContain(secret)
  expect(JSON.stringify(await lastPush())).not.toContain(secret)
  expect(await gate.upstream.ref('refs/heads/ada/secret')).toBeUndefined()
})

test('no record, log or file of the gate has the host’s token', async () => {
  expect(gate.log.join('\n')).not.toContain(host.token)
  expect(JSON.stringify(await gate.admin.request('GET', '/pushes?limit=100'))).not.toContain(host.token)
})

describe('deploy keys', () => {
  test('an identity is registered at the host with write access, and its key goes with it', async () => {
    const made = await gate.admin.request('POST', '/identities', {
      name: 'fresh',
      register: { repository: 'app' },
    })
    const { publicKey } = z.object({ publicKey: z.string() }).parse(made)
    expect(host.keys).toEqual([{ id: 1, title: 'git-gate fresh', key: publicKey, writable: true }])
    expect(await gate.admin.request('DELETE', '/identities/fresh')).toMatchObject({
      name: 'fresh',
      remainingDeployKeys: [],
    })
    expect(host.keys).toEqual([])
  })

  test('a project that is not at the gate yet is given by its URL', async () => {
    const register = {
      upstream: 'git@git.example.com:repository.git',
      credential: 'bot',
      forge: 'github',
      apiUrl: host.api,
    }
    await gate.admin.request('POST', '/identities', { name: 'first', register })
    expect(host.keys).toMatchObject([{ title: 'git-gate first' }])
    host.answerNext({ status: 403, body: { message: 'Must have admin rights' } })
    expect(await gate.admin.request('DELETE', '/identities/first')).toMatchObject({
      remainingDeployKeys: [
        { upstream: register.upstream, reason: expect.stringContaining('Must have admin rights') },
      ],
    })
  })

  test('a host that refuses the key leaves no identity, and the alternative is named', async () => {
    host.answerNextPost({ status: 422, body: { message: 'Deploy keys are disabled for this repository' } })
    const refused = gate.admin.request('POST', '/identities', { name: 'no', register: { repository: 'app' } })
    await expect(refused).rejects.toThrow(
      /Deploy keys are disabled for this repository.*git gate repo add NAME --upstream https/,
    )
    await expect(gate.admin.request('GET', '/identities/no')).rejects.toThrow(/no identity/)
  })
})
