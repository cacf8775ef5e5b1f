import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConnectionCheck } from '../../../src/contract/admin-api/status.ts'
import { type Agent, accepted, type Clone, type Gate, rejected, startGate } from '../../harness/index.ts'
import { type Gitea, type GiteaUser, startGitea } from './server.ts'

const ends = new AsyncDisposableStack()
let gitea: Gitea
let gate: Gate
let bot: GiteaUser
beforeAll(async () => {
  gitea = ends.use(await startGitea())
  gate = ends.use(await startGate())
  bot = await gitea.user('acme')
  const secret = await bot.token('write:repository', 'write:issue')
  await gate.admin.request('PUT', '/credentials/acme', { user: 'acme', secret })
}, 120_000)
afterAll(() => ends.disposeAsync())

type Transport = 'ssh' | 'https'

/** Adds a repository of the user `acme`, with a first commit, to Gitea and under `name` to the gate. */
async function addRepository(name: string, project: string, transport: Transport): Promise<void> {
  await bot.api('POST', '/user/repos', { name: project, auto_init: true, default_branch: 'main' })
  const api = { forge: 'gitea', apiUrl: `${gitea.url}/api/v1`, credential: 'acme' }
  const ssh = `ssh://git@127.0.0.1:${gitea.sshPort}/acme/${project}.git`
  const identity = name.replaceAll(/[^a-z0-9]+/g, '-').replace(/^-/, '')
  if (transport === 'ssh')
    await gate.admin.request('POST', '/identities', { name: identity, register: { upstream: ssh, ...api } })
  await gate.admin.request('POST', '/repositories', {
    name,
    ...api,
    readRefs: ['refs/pull/*/head'],
    ...(transport === 'ssh'
      ? { upstream: ssh, identity, knownHosts: gitea.knownHosts }
      : { upstream: `${gitea.url}/acme/${project}.git` }),
  })
}

describe.each(['ssh', 'https'] as const)('over %s', transport => {
  const project = `refs-${transport}`
  const at = `/repos/acme/${project}`
  let ada: Agent
  let work: Clone
  beforeAll(async () => {
    await addRepository(project, project, transport)
    const rights = {
      push: ['**', 'refs/for/**'],
      force: ['topic/**', 'refs/for/**'],
      delete: ['**', 'refs/tags/**'],
      tags: ['**'],
      pushOptions: ['topic=*', 'title=*', 'description=*', 'force-push=*'],
    }
    ada = await gate.agent(`ada-${transport}`, rights, { repository: project })
    work = await ada.clone()
  })

  test('a new branch gets Gitea’s link for a pull request, is rewritten, and is deleted', async () => {
    const first = await work.commit('A topic')
    const pushed = await work.push('HEAD:topic/one')
    expect(pushed, pushed.output).toMatchObject(accepted)
    expect(pushed.output).toMatch(/upstream: .*Create a new pull request for 'topic\/one'/)
    expect(pushed.output).toContain(`/acme/${project}/pulls/new/topic/one`)
    await work.text(['commit', '-q', '--amend', '--allow-empty', '-m', 'A better topic'])
    expect(await work.text(['rev-parse', 'HEAD'])).not.toBe(first)
    expect(await work.push('--force', 'HEAD:topic/one')).toMatchObject(accepted)
    const gone = await work.push('--delete', 'topic/one')
    expect(gone, gone.output).toMatchObject(accepted)
    await expect(bot.api('GET', `${at}/branches/topic%2Fone`)).rejects.toThrow('404')
  })

  test('a protected branch is refused in Gitea’s words, to pushes, rewrites and deletes', async () => {
    await bot.api('POST', `${at}/branch_protections`, { rule_name: 'main', enable_push: false })
    await work.commit('Past the review')
    const pushed = await work.push('HEAD:main')
    expect(pushed, pushed.output).toMatchObject(rejected)
    expect(pushed.output).toMatch(/Not allowed to push to protected branch main/i)
    const gone = await work.push('--delete', 'main')
    expect(gone, gone.output).toMatchObject(rejected)
    expect(gone.output).toMatch(/main/)
    expect(await gate.ledger.last()).toMatchObject({ outcome: 'refused' })
    // Upstream's atomic push: no ref of a push with one refused ref is changed.
    const both = await work.push('HEAD:main', 'HEAD:topic/beside')
    expect(both, both.output).toMatchObject(rejected)
    await expect(bot.api('GET', `${at}/branches/topic%2Fbeside`)).rejects.toThrow('404')
  })

  test('a tag is created and deleted, and a protected tag is refused in Gitea’s words', async () => {
    await work.text(['tag', '-a', '-m', 'One', 'v1'])
    expect(await work.push('v1')).toMatchObject(accepted)
    expect(await bot.api('GET', `${at}/tags/v1`)).toMatchObject({ name: 'v1', message: 'One' })
    const gone = await work.push('--delete', 'refs/tags/v1')
    expect(gone, gone.output).toMatchObject(accepted)
    await expect(bot.api('GET', `${at}/tags/v1`)).rejects.toThrow('404')

    await bot.api('POST', `${at}/tag_protections`, {
      name_pattern: 'release-*',
      whitelist_usernames: ['operator'],
    })
    await work.text(['tag', 'release-1'])
    const refused = await work.push('release-1')
    expect(refused, refused.output).toMatchObject(rejected)
    expect(refused.output).toMatch(/Tag release-1 is protected/i)
  })

  test('AGit: a push to refs/for/main opens a pull request, which every agent can fetch, and updates it', async () => {
    await work.text(['switch', '-q', '--detach', 'origin/main'])
    const first = await work.commit('Fix the login', { 'login.txt': 'fixed\n' })
    const options = ['-o', 'topic=login', '-o', 'title=Fix it', '-o', 'description=As said']
    const opened = await work.push(...options, 'HEAD:refs/for/main')
    expect(opened, opened.output).toMatchObject(accepted)
    const url = /upstream: .*?(http\S+\/pulls\/\d+)/.exec(opened.output)?.[1]
    const number = url?.split('/').at(-1)
    expect(url, opened.output).toBe(`${gitea.url}/acme/${project}/pulls/${number}`)
    const pull = () => bot.api('GET', `${at}/pulls/${number}`)
    expect(await pull()).toMatchObject({ title: 'Fix it', body: 'As said', head: { sha: first } })

    const second = await work.commit('Fix it well', { 'login.txt': 'fixed well\n' })
    const updated = await work.push(...options, 'HEAD:refs/for/main')
    expect(updated, updated.output).toMatchObject(accepted)
    expect(await pull()).toMatchObject({ head: { sha: second } })
    const bert = await gate.agent(`bert-${transport}`, { read: true }, { repository: project })
    const other = await bert.clone()
    const fetched = await other.git(['fetch', '-q', 'origin', `refs/pull/${number}/head`])
    expect(fetched, fetched.output).toMatchObject(accepted)
    expect(await other.text(['rev-parse', 'FETCH_HEAD'])).toBe(second)

    await work.text(['commit', '-q', '--amend', '-m', 'Rewritten'])
    const rewritten = await work.push(...options, 'HEAD:refs/for/main')
    expect(rewritten, rewritten.output).toMatchObject(rejected)
    expect(rewritten.output).toMatch(/upstream refused: .*force-push/i)
    const forced = await work.push(...options, '-o', 'force-push=true', 'HEAD:refs/for/main')
    expect(forced, forced.output).toMatchObject(accepted)
  })
})

test.each([
  ['.github', '.github', 'ssh'],
  ['git.example/acme/.github-private', '.github-private', 'https'],
  ['git.example/acme/c++', 'a.b_c-d', 'ssh'],
] as const)('the repository %s is served from %s over %s', async (name, project, transport) => {
  await addRepository(name, project, transport)
  const agent = `named-${project.replaceAll(/[^a-z]/g, '')}`
  const named = await gate.agent(agent, { push: ['topic/**'] }, { repository: name })
  const work = await named.clone()
  const commit = await work.commit('By an odd name')
  const pushed = await work.push('HEAD:topic/x')
  expect(pushed, pushed.output).toMatchObject(accepted)
  expect(await bot.api('GET', `/repos/acme/${project}/branches/topic%2Fx`)).toMatchObject({
    commit: { id: commit },
  })
  const path = `/repositories/${encodeURIComponent(name)}/check`
  const { steps } = ConnectionCheck.parse(await gate.admin.request('POST', path, {}))
  expect(steps.filter(({ ok }) => !ok)).toEqual([])
})

test('a push to an archived repository is refused in Gitea’s words', async () => {
  await addRepository('archived', 'archived', 'https')
  const ada = await gate.agent('ada-archived', { push: ['**'] }, { repository: 'archived' })
  const work = await ada.clone()
  await bot.api('PATCH', '/repos/acme/archived', { archived: true })
  await work.commit('Too late')
  const pushed = await work.push('HEAD:main')
  expect(pushed, pushed.output).toMatchObject(rejected)
  expect(pushed.output).toMatch(/archived/i)
})
