import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { PushRecord } from '../../../src/contract/admin-api/pushes.ts'
import { type Agent, accepted, type Gate, rejected, startGate } from '../../harness/index.ts'
import { type Gitea, type GiteaUser, startGitea } from './server.ts'

let gitea: Gitea
let gate: Gate
let bot: GiteaUser
let token: string
beforeAll(async () => {
  gitea = await startGitea()
  gate = await startGate()
  bot = await gitea.user('acme')
  token = await bot.token('write:repository', 'write:issue')
  await gate.admin.request('PUT', '/credentials/acme', { user: 'acme', secret: token })
}, 120_000)
afterAll(async () => {
  await gate?.[Symbol.asyncDispose]()
  await gitea?.[Symbol.asyncDispose]()
})

const Pulls = z.array(
  z.object({
    number: z.number(),
    title: z.string(),
    body: z.string(),
    html_url: z.string(),
    head: z.object({ ref: z.string(), sha: z.string() }),
    base: z.object({ ref: z.string() }),
  }),
)
const Keys = z.array(z.object({ id: z.number(), title: z.string(), read_only: z.boolean() }))

/** Adds the repository of the user `acme` to Gitea, and to the gate by this transport. */
async function addRepository(name: string, transport: 'ssh' | 'https'): Promise<void> {
  await bot.api('POST', '/user/repos', { name, auto_init: true, default_branch: 'main' })
  const api = { forge: 'gitea', apiUrl: `${gitea.url}/api/v1`, credential: 'acme' }
  const ssh = `ssh://git@127.0.0.1:${gitea.sshPort}/acme/${name}.git`
  if (transport === 'ssh')
    await gate.admin.request('POST', '/identities', { name, register: { upstream: ssh, ...api } })
  await gate.admin.request('POST', '/repositories', {
    name,
    ...api,
    readRefs: ['refs/pull/*/head'],
    ...(transport === 'ssh'
      ? { upstream: ssh, identity: name, knownHosts: gitea.knownHosts }
      : { upstream: `${gitea.url}/acme/${name}.git` }),
  })
}

const agentOf = (name: string, repository: string): Promise<Agent> =>
  gate.agent(name, { push: [`${name}/**`], pullRequests: ['main'] }, { repository })

describe.each(['ssh', 'https'] as const)('over %s', transport => {
  const name = `over-${transport}`
  test('an agent with its token alone clones, pushes, reads the URL of its pull request, and pushes a fix', async () => {
    await addRepository(name, transport)
    const ada = await agentOf(`ada-${transport}`, name)
    const work = await ada.clone()
    await work.text(['commit', '-q', '--allow-empty', '-m', 'Fix the login', '-m', 'It was broken.'])
    const first = await work.push('-o', 'pr', `HEAD:${ada.name}/login`)
    expect(first, first.output).toMatchObject(accepted)
    const url = /pull request opened: (\S+)/.exec(first.output)?.[1]
    expect(url).toBe(`${gitea.url}/acme/${name}/pulls/1`)

    const fix = await work.commit('The fix')
    const second = await work.push('-o', 'pr', `HEAD:${ada.name}/login`)
    expect(second, second.output).toMatchObject(accepted)
    expect(second.output).toContain(`pull request is open: ${url}`)
    const pulls = Pulls.parse(await bot.api('GET', `/repos/acme/${name}/pulls`))
    expect(pulls).toMatchObject([
      {
        title: 'Fix the login',
        body: 'It was broken.',
        html_url: url,
        head: { ref: `${ada.name}/login`, sha: fix },
        base: { ref: 'main' },
      },
    ])
    const { id } = await gate.ledger.last()
    expect(PushRecord.parse(await gate.admin.request('GET', `/pushes/${id}`)).pullRequest).toMatchObject({
      url,
    })
  })

  test('another agent fetches that pull request, and opens a draft of its own', async () => {
    const bert = await agentOf(`bert-${transport}`, name)
    const work = await bert.clone()
    const fetched = await work.git(['fetch', 'origin', 'refs/pull/1/head'])
    expect(fetched, fetched.output).toMatchObject(accepted)
    expect(await work.text(['log', '-1', '--format=%s', 'FETCH_HEAD'])).toBe('The fix')
    await work.text(['switch', '-q', '--detach', 'FETCH_HEAD'])
    await work.commit('A better fix')
    const options = ['-o', 'pr.title=Better', '-o', 'pr.body=One\\nTwo', '-o', 'pr.draft']
    const ran = await work.push(...options, `HEAD:refs/heads/${bert.name}/login`)
    expect(ran, ran.output).toMatchObject(accepted)
    const [newest] = Pulls.parse(await bot.api('GET', `/repos/acme/${name}/pulls`))
    expect(newest).toMatchObject({ number: 2, title: 'WIP: Better', body: 'One\nTwo' })
  })

  test('a base that the host does not have leaves the push accepted, with the reason', async () => {
    const carl = await gate.agent(
      `carl-${transport}`,
      { push: [`carl-${transport}/**`], pullRequests: ['**'] },
      { repository: name },
    )
    const work = await carl.clone()
    await work.commit('Carl')
    const ran = await work.push('-o', 'pr.base=none', `HEAD:${carl.name}/x`)
    expect(ran, ran.output).toMatchObject(accepted)
    expect(ran.output).toMatch(/the push is accepted; no pull request: /)
    const refused = await work.push('-o', 'pr', '-o', 'ci.skip', `HEAD:${carl.name}/y`)
    expect(refused, refused.output).toMatchObject(rejected)
  })
})

test('the deploy key has write access at the host, and goes with its identity', async () => {
  const register = {
    upstream: `ssh://git@127.0.0.1:${gitea.sshPort}/acme/over-ssh.git`,
    forge: 'gitea',
    apiUrl: `${gitea.url}/api/v1`,
    credential: 'acme',
  }
  await gate.admin.request('POST', '/identities', { name: 'second', register })
  const keys = async () => Keys.parse(await bot.api('GET', '/repos/acme/over-ssh/keys'))
  expect(await keys()).toMatchObject([
    { title: 'git-gate over-ssh', read_only: false },
    { title: 'git-gate second', read_only: false },
  ])
  expect(await gate.admin.request('DELETE', '/identities/second')).toMatchObject({ remainingDeployKeys: [] })
  expect(await keys()).toMatchObject([{ title: 'git-gate over-ssh' }])
})

test('a credential that the host has revoked is named, and the token is in no record and no log', async () => {
  await gate.admin.request('PUT', '/credentials/acme', { user: 'acme', secret: `${token.slice(0, -4)}0000` })
  const dora = await agentOf('dora', 'over-ssh')
  const work = await dora.clone()
  await work.commit('Dora')
  const ran = await work.push('-o', 'pr', 'HEAD:dora/x')
  expect(ran, ran.output).toMatchObject(accepted)
  expect(ran.output).toMatch(/does not accept the credential acme .*git gate credential set acme --user acme/)
  const records = JSON.stringify(await gate.admin.request('GET', '/pushes?limit=100'))
  for (const text of [records, gate.log.join('\n'), ran.output]) expect(text).not.toContain(token)
})
