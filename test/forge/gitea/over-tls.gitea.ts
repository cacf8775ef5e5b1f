import fs from 'node:fs'
import type { RequestListener } from 'node:http'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeCertificates, passOnTo, serveHttps } from '../../harness/hosts/https-host.ts'
import { listProcesses, placesOfSecret } from '../../harness/hosts/places-of-secret.ts'
import {
  type Agent,
  accepted,
  type Clone,
  type Gate,
  rejected,
  seconds,
  startGate,
  until,
} from '../../harness/index.ts'
import { type Proxy as HttpProxy, startProxy } from '../../harness/network/proxy.ts'
import { type Gitea, type GiteaUser, startGitea } from './server.ts'

const certificates = makeCertificates()
const ends = new AsyncDisposableStack()
const front = { redirectTo: '' }
let gitea: Gitea
let gate: Gate
let bot: GiteaUser
let token: string
let proxy: HttpProxy
let origin: string
let ada: Agent
let work: Clone
beforeAll(async () => {
  gitea = ends.use(await startGitea())
  proxy = ends.use(await startProxy())
  const tls = ends.use(await serveHttps(certificates, passOn))
  origin = tls.origin
  gate = ends.use(await startGate())
  bot = await gitea.user('acme')
  token = await bot.token('write:repository', 'write:issue')
  for (const name of ['app', 'secret'])
    await bot.api('POST', '/user/repos', { name, auto_init: true, default_branch: 'main', private: true })
  await gate.admin.request('PUT', '/credentials/acme', { user: 'acme', secret: token })
  await gate.admin.request('POST', '/repositories', {
    name: 'tls/app',
    upstream: `${origin}/acme/app.git`,
    credential: 'acme',
    ca: certificates.ca,
    proxy: proxy.url,
    forge: 'gitea',
    apiUrl: `${origin}/api/v1`,
  })
  ada = await gate.agent(
    'ada',
    { push: ['ada/**'], force: ['ada/**'], pullRequests: ['main'], hostApi: 'write' },
    { repository: 'tls/app' },
  )
  work = await ada.clone()
}, 180_000)
afterAll(() => ends.disposeAsync())

/** Ends TLS before Gitea, which has a certificate of the test's own authority. */
const passOn: RequestListener = (request, response) => {
  if (front.redirectTo)
    return void response.writeHead(302, { location: `${front.redirectTo}${request.url}` }).end()
  passOnTo(gitea.url)(request, response)
}

async function ask(method: string, route: string, body?: unknown) {
  const response = await fetch(`${gate.url}/-/forge/tls/app/api/v1/repos/${route}`, {
    method,
    headers: { authorization: `token ${ada.token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, text }
}

test('by a proxy and with an authority of its own: clone, push, refusal, refresh, lease', async () => {
  const commit = await work.commit('First')
  const pushed = await work.push('HEAD:ada/one')
  expect(pushed, pushed.output).toMatchObject(accepted)
  expect(await bot.api('GET', '/repos/acme/app/branches/ada%2Fone')).toMatchObject({ commit: { id: commit } })
  expect((await work.push('HEAD:main')).output).toMatch(/ada may update refs\/heads\/ada/)

  // Another client of Gitea moves the branch: the agent reads it, and a push on the old value is refused.
  const content = Buffer.from('of another\n').toString('base64')
  await bot.api('POST', '/repos/acme/app/contents/other.txt', {
    content,
    branch: 'ada/one',
    message: 'Other',
  })
  await work.text(['fetch', '-q', 'origin'])
  expect(await work.text(['log', '-1', '--format=%s', 'origin/ada/one'])).toBe('Other')
  await work.text(['update-ref', 'refs/remotes/origin/ada/one', commit])
  await work.commit('Second')
  const stale = await work.push('--force-with-lease=ada/one', 'HEAD:ada/one')
  expect(stale, stale.output).toMatchObject(rejected)
  expect(new Set(proxy.connected)).toEqual(new Set([new URL(origin).host]))
})

test('what Gitea says about a refused push reaches the agent', async () => {
  await bot.api('POST', '/repos/acme/app/branch_protections', {
    rule_name: 'ada/locked',
    enable_push: false,
  })
  const ran = await work.push('HEAD:ada/locked')
  expect(ran, ran.output).toMatchObject(rejected)
  expect(ran.output).toMatch(/Not allowed to push to protected branch ada\/locked/i)
})

test('an agent reads, opens and comments on pull requests by REST, in this project alone', async () => {
  await work.commit('For a pull request', { 'two.txt': 'two\n' })
  expect(await work.push('HEAD:ada/two')).toMatchObject(accepted)
  const opened = await ask('POST', 'acme/app/pulls', {
    title: 'Two',
    body: 'As said',
    base: 'main',
    head: 'ada/two',
  })
  expect(opened, opened.text).toMatchObject({ status: 201 })
  const { number } = JSON.parse(opened.text)
  expect(await ask('GET', `acme/app/pulls/${number}`)).toMatchObject({
    status: 200,
    text: expect.stringContaining('As said'),
  })
  const diff = await ask('GET', `acme/app/pulls/${number}.diff`)
  expect(diff).toMatchObject({ status: 200, text: expect.stringMatching(/^diff --git /) })
  for (const part of ['files', 'commits', 'reviews'])
    expect(await ask('GET', `acme/app/pulls/${number}/${part}`), part).toMatchObject({ status: 200 })
  expect(await ask('POST', `acme/app/issues/${number}/comments`, { body: 'Done' })).toMatchObject({
    status: 201,
  })
  expect(await ask('GET', `acme/app/issues/${number}/comments`)).toMatchObject({
    status: 200,
    text: expect.stringContaining('Done'),
  })

  const issue = (await bot.api('POST', '/repos/acme/app/issues', { title: 'An issue' })) as { number: number }
  expect(await ask('GET', `acme/app/issues/${issue.number}`)).toMatchObject({ status: 200 })
  expect(await ask('POST', `acme/app/issues/${issue.number}/comments`, { body: 'No' })).toMatchObject({
    status: 403,
  })
  for (const route of ['acme/secret/pulls', 'acme/app/keys', 'acme/app', 'acme/app/contents/README.md'])
    expect(await ask('GET', route), route).toMatchObject({ status: 403 })
  expect(await ask('POST', `acme/app/pulls/${number}/merge`, { Do: 'merge' })).toMatchObject({ status: 403 })
})

test('the token is in no process, file, log, record or answer of the gate while git and the API use it', async () => {
  await work.commit('Large', { large: Buffer.alloc(8 << 20, 'a line of text that git compresses\n') })
  let isPushing = true
  const pushing = work.push('HEAD:ada/large').finally(() => {
    isPushing = false
  })
  const processes: string[] = []
  while (isPushing) {
    processes.push(...listProcesses().filter(text => text.includes('git')))
    await delay(20)
  }
  expect(await pushing).toMatchObject(accepted)
  expect(processes.some(text => text.includes('remote-https'))).toBe(true)
  const forms = [token, Buffer.from(`acme:${token}`).toString('base64')]
  expect(await placesOfSecret(gate, forms, processes)).toEqual([])
})

test('a redirect is not followed by git nor by the API: the other host sees no request', async () => {
  const seen: string[] = []
  await using other = await serveHttps(certificates, (request, response) => {
    seen.push(request.url ?? '')
    response.end()
  })
  front.redirectTo = other.origin
  try {
    const cloned = await ada.tryClone()
    expect(cloned.output).toMatch(/redirect/i)
    expect(await ask('GET', 'acme/app/pulls')).toMatchObject({
      status: 502,
      text: expect.stringContaining('redirect (status 302)'),
    })
  } finally {
    front.redirectTo = ''
  }
  expect(seen).toEqual([])
})

test('a token that ends in mid-session is one clear line, and its successor serves the next request', async () => {
  const tokens = (await bot.api('GET', '/users/acme/tokens')) as { id: number }[]
  for (const { id } of tokens) await bot.api('DELETE', `/users/acme/tokens/${id}`)
  const refused = await work.git(['fetch', 'origin'])
  expect(refused.output).toMatch(/remote: .*credential "?acme"?/)
  expect(await ask('GET', 'acme/app/pulls')).toMatchObject({
    status: 502,
    text: expect.stringContaining('git gate credential set acme --user acme'),
  })
  const secret = await bot.token('write:repository', 'write:issue')
  await gate.admin.request('PUT', '/credentials/acme', { user: 'acme', secret })
  expect(await work.git(['fetch', 'origin'])).toMatchObject(accepted)
  expect(await ask('GET', 'acme/app/pulls')).toMatchObject({ status: 200 })
})

test('a token that is replaced while git prepares a push serves that push; without a successor it is one clear line', async () => {
  // git runs this hook between the advertisement and the pack.
  const hook = path.join(work.dir, '.git/hooks/pre-push')
  const hold = path.join(work.dir, '.git/hold')
  fs.writeFileSync(
    hook,
    `#!/bin/sh\ntouch '${hold}.reached'\nwhile [ -e '${hold}' ]; do sleep 0.05; done\n`,
    {
      mode: 0o755,
    },
  )
  const pushWhile = async (branch: string, during: () => Promise<void>) => {
    fs.rmSync(`${hold}.reached`, { force: true })
    fs.writeFileSync(hold, '')
    const pushing = work.push(`HEAD:${branch}`)
    try {
      await until(
        () => fs.existsSync(`${hold}.reached`) || undefined,
        seconds(60),
        () => 'the push does not come to its hook',
      )
      await during()
    } finally {
      fs.rmSync(hold)
    }
    return pushing
  }
  const revoke = async () => {
    const tokens = (await bot.api('GET', '/users/acme/tokens')) as { id: number }[]
    for (const { id } of tokens) await bot.api('DELETE', `/users/acme/tokens/${id}`)
  }
  const renew = async () => {
    const secret = await bot.token('write:repository', 'write:issue')
    await gate.admin.request('PUT', '/credentials/acme', { user: 'acme', secret })
  }
  const tip = await work.commit('In mid-session')
  const renewed = await pushWhile('ada/renewed', async () => {
    await revoke()
    await renew()
  })
  expect(renewed, renewed.output).toMatchObject(accepted)
  expect(await bot.api('GET', '/repos/acme/app/branches/ada%2Frenewed')).toMatchObject({
    commit: { id: tip },
  })
  const refused = await pushWhile('ada/revoked', revoke)
  expect(refused, refused.output).toMatchObject(rejected)
  expect(refused.output).toMatch(/remote: .*credential "?acme"?/)
  await renew()
  fs.rmSync(hook)
  expect(await work.push('HEAD:ada/revoked')).toMatchObject(accepted)
})
