import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { anyKey } from '../../scan/fixtures/fakes.ts'
import { type GhAgent, type GhGate, NAME, startGhGate } from './gh-gate.ts'
import { DIFF, REPOSITORY_ID } from './stand-in-github.ts'

let all: GhGate
let ada: GhAgent
beforeAll(async () => {
  all = await startGhGate()
  all.github.addPull({ title: 'Of this project', head: 'ada/x' })
  all.github.addPull({ title: 'Of another project', head: 'x', isSecret: true })
  ada = await all.agent('ada', { push: ['ada/**'], pullRequests: ['main'], hostApi: 'write' })
})
afterAll(() => all?.[Symbol.asyncDispose]())
let before = 0
beforeEach(() => {
  before = all.github.requests.length
})
const sent = () => all.github.requests.slice(before)

const PULLS = '/api/v3/repos/acme/repository/pulls'
const comment = (subjectId: string, body = 'Hi') => ({
  query: 'mutation($input: AddCommentInput!) { addComment(input: $input) { commentEdge { node { url } } } }',
  variables: { input: { subjectId, body } },
})
const create = (input: object) => ({
  query:
    'mutation($input: CreatePullRequestInput!) { createPullRequest(input: $input) { pullRequest { url } } }',
  variables: {
    input: { repositoryId: REPOSITORY_ID, baseRefName: 'main', headRefName: 'ada/x', title: 'T', ...input },
  },
})

test('ids of another project are refused, though the credential could reach it', async () => {
  const secret = { query: 'query($id: ID!) { node(id: $id) { ... on PullRequest { title body } } }' }
  const own = await ada.ask('POST', '/api/graphql', { ...secret, variables: { id: 'PR_1' } })
  expect(JSON.parse(own.text)).toEqual({ data: { node: { title: 'Of this project', body: '' } } })
  for (const call of [
    { ...secret, variables: { id: 'PR_2' } },
    { ...secret, variables: { id: 'R_secret' } },
    { ...secret, variables: { id: 'PR_99' } },
    comment('PR_2'),
    comment('R_secret'),
    comment(REPOSITORY_ID),
    create({ repositoryId: 'R_secret' }),
    create({ repositoryId: 'PR_1' }),
  ]) {
    const refused = await ada.ask('POST', '/api/graphql', call)
    expect(refused, JSON.stringify(call)).toMatchObject({ status: 403 })
    expect(refused.text).not.toContain('another project')
  }
  expect(sent().filter(({ body }) => /mutation/.test(body))).toEqual([])
  expect(all.github.comments).toEqual([])
})

test('the grant decides on each write, as it is at the call', async () => {
  expect(await ada.ask('POST', '/api/graphql', create({ baseRefName: 'release' }))).toMatchObject({
    status: 403,
    text: expect.stringContaining('ada may not open pull requests into release; its bases: main'),
  })
  expect(await ada.ask('POST', PULLS, { title: 'T', head: 'bob/x', base: 'main' })).toMatchObject({
    status: 403,
    text: expect.stringContaining('ada may not push to bob/x'),
  })
  const reader = await all.agent('reader', { read: true, hostApi: 'read' })
  expect(await reader.ask('GET', `${PULLS}/1`)).toMatchObject({ status: 200 })
  expect(await reader.ask('POST', '/api/graphql', comment('PR_1'))).toMatchObject({
    status: 403,
    text: expect.stringContaining('--host-api write'),
  })
  const none = await all.agent('none', { read: true })
  expect(await none.ask('GET', `${PULLS}/1`)).toMatchObject({
    status: 403,
    text: expect.stringContaining('git gate grant set none GitHub.example/acme/App --host-api read'),
  })
  await all.gate.admin.request('DELETE', `/tokens/${reader.agent.tokenId}`)
  expect(await reader.ask('GET', `${PULLS}/1`)).toMatchObject({ status: 401 })
})

test('an agent opens a pull request by the gate itself, with the right of git push -o pr and without its own client', async () => {
  const pia = await all.agent('pia', { push: ['pia/**'], pullRequests: ['main'] })
  const open = async (wanted: object, { token } = pia.agent) => {
    const response = await fetch(`${all.gate.url}/${NAME}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ branch: 'pia/x', base: 'main', title: 'Say hello', ...wanted }),
    })
    return response.text()
  }
  const before = all.github.pulls.length
  expect(await open({ base: 'release' })).toContain('pia may not open pull requests into release')
  expect(await open({ branch: 'bob/x' })).toContain('pia may not push to bob/x')
  expect(await open({ body: `key = "${anyKey()}"` })).toMatch(/^no: git-gate: .*secret/)
  const reader = await all.agent('ria', { read: true })
  expect(await open({}, reader.agent)).toContain(
    'git gate grant set ria GitHub.example/acme/App --pull-requests',
  )
  const errors = [{ message: 'A pull request already exists for acme:pia/x.' }]
  all.github.answerNext({ status: 422, body: { message: 'Validation Failed', errors } })
  expect(await open({})).toBe('no: Validation Failed; A pull request already exists for acme:pia/x.\n')
  expect(all.github.pulls).toHaveLength(before)

  expect(await open({ body: 'As asked.' })).toMatch(/^opened: https:\/\/\S+\n$/)
  expect(all.github.pulls.at(-1)).toMatchObject({ title: 'Say hello', head: 'pia/x', body: 'As asked.' })
  const ofPia = async () => {
    const calls = (await all.calls()).filter(call => call.agent === 'pia')
    return calls.slice(0, 4).map(call => `${call.operation}: ${call.outcome}`)
  }
  await expect
    .poll(ofPia)
    .toEqual(['answered', 'answered', 'refused', 'refused'].map(end => `open a pull request: ${end}`))
})

test('a call that the gate does not know gets the list of those that it allows', async () => {
  for (const [method, path] of [
    ['GET', '/api/v3/user'],
    ['GET', '/api/v3/repos/acme/secret/pulls'],
    ['GET', '/api/v4/projects/1'],
    ['DELETE', `${PULLS}/1`],
    ['PUT', `${PULLS}/1/merge`],
  ] as const)
    expect(await ada.ask(method, path), path).toMatchObject({ status: 403 })
  const refused = JSON.parse((await ada.ask('GET', '/api/v3/user')).text)
  expect(refused.allowed).toEqual(
    expect.arrayContaining(['gh pr comment', `GET ${PULLS}/{number}`, `POST ${PULLS}`]),
  )
  expect(sent()).toEqual([])
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  expect(await ada.ask('POST', PULLS, {}, form)).toMatchObject({ status: 415 })
  expect(await ada.ask('POST', '/api/graphql', { query: 'x'.repeat(300_000) })).toMatchObject({ status: 413 })
})

test('the host’s answer comes without the credential, without its secrets, and as a plain type', async () => {
  const pull = await ada.ask('GET', `${PULLS}/1`)
  expect(JSON.parse(pull.text)).toMatchObject({ number: 1, head: { repo: { full_name: 'acme/repository' } } })
  expect(pull.text).not.toContain('a-secret-of-the-host')
  const { token } = all.github
  all.github.answerNext({ status: 200, body: { title: `x${token}y` }, headers: { 'x-oauth-scopes': 'repo' } })
  const echoed = await ada.ask('GET', `${PULLS}/1`)
  expect(JSON.parse(echoed.text)).toEqual({ title: `x${'*'.repeat(token.length)}y` })
  expect(echoed.headers.get('x-oauth-scopes')).toBeNull()
  const accept = { accept: 'application/vnd.github.v3.diff' }
  expect(await ada.ask('GET', `${PULLS}/1`, undefined, accept)).toMatchObject({ status: 200, text: DIFF })
  all.github.answerNext({ status: 200, body: token, headers: { 'content-type': 'text/html' } })
  const page = await ada.ask('GET', `${PULLS}/1`, undefined, accept)
  expect(page.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  expect(page.text).toBe(JSON.stringify('*'.repeat(token.length)))
  for (const { authorization, headers } of sent()) {
    expect(authorization).toBe(`Bearer ${token}`)
    expect(JSON.stringify(headers)).not.toContain(ada.agent.token)
  }
})

test('a rate limit is passed on, a redirect is not followed, and a refused credential is named', async () => {
  const limit = { 'retry-after': '17', 'x-ratelimit-remaining': '0' }
  all.github.answerNext({ status: 429, headers: limit, body: { message: 'Slow down' } })
  const limited = await ada.ask('GET', `${PULLS}/1`)
  expect(limited).toMatchObject({ status: 429, text: JSON.stringify({ message: 'Slow down' }) })
  expect(limited.headers.get('retry-after')).toBe('17')
  all.github.answerNext({ status: 302, headers: { location: 'https://127.0.0.1:9/' } })
  expect(await ada.ask('GET', `${PULLS}/1`)).toMatchObject({
    status: 502,
    text: expect.stringContaining('redirect (status 302), which the gate does not follow'),
  })
  all.github.answerNext({ status: 401, body: { message: 'Bad credentials' } })
  expect(await ada.ask('GET', `${PULLS}/1`)).toMatchObject({
    status: 502,
    text: expect.stringMatching(/does not accept the credential bot .*git gate credential set bot/),
  })
})

test('a secret in a text does not leave the gate, and an exception lets it pass', async () => {
  const secret = ['gh', 'p_', 'x7Kq2mZ9', 'Lw4Tn8Vb', 'R3Yc6Hd1', 'Sf5Gj0Pa', 'Eu2I'].join('')
  const refused = await ada.ask('POST', '/api/graphql', comment('PR_1', `See ${secret}`))
  expect(refused).toMatchObject({
    status: 403,
    text: expect.stringContaining('secret found in the text: github-pat'),
  })
  expect(refused.text).not.toContain(secret)
  expect(sent().some(({ body }) => body.includes(secret))).toBe(false)
  const fingerprint = /exception add \S+ (\S+)/.exec(refused.text)?.[1]
  await all.gate.admin.request('POST', '/exceptions', {
    repository: 'GitHub.example/acme/App',
    fingerprint,
    reason: 'an example',
  })
  expect(await ada.ask('POST', '/api/graphql', comment('PR_1', `See ${secret}`))).toMatchObject({
    status: 200,
  })
})

test('each call is on record with its end', async () => {
  const calls = await all.calls()
  expect(calls).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        agent: 'ada',
        operation: 'graphql addComment',
        outcome: 'answered',
        status: 200,
      }),
      expect.objectContaining({ agent: 'none', outcome: 'refused', status: 403, method: 'GET' }),
      expect.objectContaining({ operation: 'read a pull request (1)', outcome: 'failed', status: 502 }),
      expect.objectContaining({ operation: 'read a pull request (1)', outcome: 'answered', status: 429 }),
    ]),
  )
  expect(calls.map(({ outcome }) => outcome)).not.toContain('open')
  for (const text of [JSON.stringify(calls), all.gate.log.join('\n')])
    expect(text).not.toContain(all.github.token)
})
