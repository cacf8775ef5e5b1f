import http from 'node:http'
import net from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AgentGrant } from '../../src/contract/admin-api/agents.ts'
import { Repository } from '../../src/contract/admin-api/repositories.ts'
import { type Agent, accepted, type Gate, git, seconds, startGate, until } from '../harness/index.ts'

let gate: Gate
let ada: Agent
beforeAll(async () => {
  gate = await startGate()
  ada = await gate.agent('ada', { push: ['ada/**'] })
})
afterAll(() => gate[Symbol.asyncDispose]())

interface Asked {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly user?: string
  readonly token?: string
}

/** Sends a request with the path as given, without normalization. */
function ask(
  path: string,
  asked: Asked = {},
): Promise<{ status: number; headers: http.IncomingHttpHeaders; body: string }> {
  const { method = 'GET', headers = {}, body, user = 'ada', token = ada.token } = asked
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        host: '127.0.0.1',
        port: gate.port,
        path,
        method,
        headers: { ...headers, ...(token ? { authorization: `Basic ${btoa(`${user}:${token}`)}` } : {}) },
      },
      response => {
        let text = ''
        response.setEncoding('utf8').on('data', chunk => {
          text += chunk
        })
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
        )
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

const FETCH = '/app.git/info/refs?service=git-upload-pack'
const PUSH = '/app.git/info/refs?service=git-receive-pack'

describe('tokens', () => {
  test('the right one opens, as Basic and as Bearer, with and without .git', async () => {
    expect(await ask(FETCH)).toMatchObject({ status: 200 })
    expect(await ask('/app/info/refs?service=git-upload-pack')).toMatchObject({ status: 200 })
    expect(await ask(FETCH, { token: '', headers: { authorization: `Bearer ${ada.token}` } })).toMatchObject({
      status: 200,
    })
  })

  test.each([
    ['no token', { token: '' }],
    ['an unknown token', { token: `gate_aaaaaaaaaa_${'b'.repeat(32)}` }],
    ['a token with another secret', { token: 'same id' }],
    ['a password that is no token', { token: 'hunter2' }],
  ])('%s: 401 that git can use', async (_what, asked: Asked) => {
    const token =
      asked.token === 'same id'
        ? `${ada.token.slice(0, -1)}${ada.token.endsWith('x') ? 'y' : 'x'}`
        : asked.token
    const answer = await ask(FETCH, { ...asked, ...(token === undefined ? {} : { token }) })
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toMatch(/^Basic realm=/)
    expect(answer.headers['content-type']).toMatch(/^text\/plain/)
  })

  test.each(['', 'git', 'oauth2', 'x-access-token', 'x-token-auth', 'Ada Lovelace'])(
    'the user name %j is taken with any token: the token names the agent',
    async user => {
      expect(await ask(FETCH, { user })).toMatchObject({ status: 200 })
      expect(await ask('/app', { user })).toMatchObject({
        status: 200,
        body: expect.stringMatching(/^ada in app\n/),
      })
    },
  )

  test('the token is taken as the user name, as clients of hosts send it', async () => {
    for (const password of ['', 'x-oauth-basic']) {
      const authorization = `Basic ${btoa(`${ada.token}:${password}`)}`
      expect(await ask(FETCH, { token: '', headers: { authorization } })).toMatchObject({ status: 200 })
    }
  })

  test("another agent's name with a token is a mistake that is told", async () => {
    await gate.admin.agent('grace')
    const answer = await ask(FETCH, { user: 'grace' })
    expect(answer.status).toBe(401)
    expect(answer.body).toContain('does not belong to "grace"')
  })

  test('a revoked one fails at the next request, and git ends at once', async () => {
    const eve = await gate.agent('eve', { push: ['eve/**'] })
    const work = await eve.clone()
    await gate.admin.request('DELETE', `/tokens/${eve.tokenId}`)
    for (const ran of [await work.git(['fetch', 'origin']), await work.push('HEAD:eve/x')]) {
      expect(ran.code).toBe(128)
      expect(ran.output).toMatch(/was revoked|Authentication failed/)
      expect(ran.ms).toBeLessThan(seconds(5))
    }
  })

  test('a token for another repository: the answer for a repository that does not exist', async () => {
    await gate.repository('other')
    const bob = await gate.agent('bob', { push: ['bob/**'] }, { repository: 'other' })
    const missing = await ask('/nowhere.git/info/refs?service=git-upload-pack', {
      user: 'bob',
      token: bob.token,
    })
    const foreign = await ask(FETCH, { user: 'bob', token: bob.token })
    expect(missing.status).toBe(404)
    expect(foreign.status).toBe(404)
    expect(foreign.body).toBe(missing.body.replaceAll('nowhere', 'app'))
    const ran = await git(['clone', `${gate.url.replace('://', `://bob:${bob.token}@`)}/app.git`])
    expect(ran.code).toBe(128)
    expect(ran.output).toMatch(/remote: git-gate: bob has no grant for app/)
    expect(ran.output).toMatch(/remote: git-gate:\s+its repositories: other\s/)
  })

  test('a token that may only read: a push is refused before git makes a pack', async () => {
    const ron = await gate.agent('ron', { read: true })
    const work = await ron.clone()
    await work.commit('Try')
    const ran = await work.push('HEAD:ron/x')
    expect(ran.code).not.toBe(0)
    expect(ran.output).toMatch(/remote: git-gate: ron may read app, not push to it/)
    expect(
      await ask('/app.git/git-receive-pack', {
        user: 'ron',
        token: ron.token,
        method: 'POST',
        headers: { 'content-type': 'application/x-git-receive-pack-request' },
        body: '0000',
      }),
    ).toMatchObject({ status: 403 })
  })
})

test('an agent can read every limit of its pushes, as text and as JSON', async () => {
  const lee = await gate.agent('lee', {
    push: ['lee/**'],
    denyPaths: ['.github/**'],
    emails: ['*@example.com'],
    symlinks: false,
    submodules: false,
    maxBlobBytes: 1 << 20,
    pushOptions: ['merge_request.*'],
  })
  const told = await ask('/app', { user: 'lee', token: lee.token })
  expect(told.body.split('\n')).toEqual([
    'lee in app',
    'read: yes',
    'push:',
    '  refs/heads/lee/**: create, update',
    'paths that a push must not touch: .github/**',
    'author and committer e-mail: *@example.com',
    'symbolic links: none',
    'submodules: none',
    'files: up to 1 MiB each',
    'push options: merge_request.*',
    'each push is scanned for secrets; a push that holds a secret is refused',
    '',
    'example:',
    `  git push ${gate.url}/app.git HEAD:refs/heads/lee/fix-login`,
    '',
  ])
  const inJson = await ask('/app', { user: 'lee', token: lee.token, headers: { accept: 'application/json' } })
  expect(JSON.parse(inJson.body)).toMatchObject({
    agent: 'lee',
    repository: 'app',
    push: ['refs/heads/lee/**: create, update'],
    terms: { maxBlobBytes: 1 << 20 },
  })
})

describe('paths and methods that are not git’s own', () => {
  test.each([
    ['dumb protocol', 'GET', '/app.git/info/refs', 403],
    ['dumb protocol, a file', 'GET', '/app.git/HEAD', 404],
    ['dumb protocol, an object', 'GET', '/app.git/objects/info/packs', 404],
    ['upload-archive', 'GET', '/app.git/info/refs?service=git-upload-archive', 403],
    ['upload-archive, asked', 'POST', '/app.git/git-upload-archive', 404],
    ['service twice', 'GET', `${FETCH}&service=git-receive-pack`, 403],
    ['an encoded service', 'GET', '/app.git/info/refs?service=git%2Dreceive%2Dpack', 403],
    ['service and more', 'GET', `${FETCH}&x=1`, 403],
    ['two slashes', 'GET', '//app.git/info/refs?service=git-upload-pack', 404],
    ['two slashes inside', 'GET', '/app.git//info/refs?service=git-upload-pack', 404],
    ['an encoded slash', 'GET', '/a%2Fapp.git/info/refs?service=git-upload-pack', 404],
    ['encoded dots', 'GET', '/x/%2e%2e%2fapp.git/info/refs?service=git-upload-pack', 404],
    ['dots out of the root', 'GET', '/../../etc/info/refs?service=git-upload-pack', 404],
    ['the .git of a work tree', 'GET', '/app.git/.git/info/refs?service=git-upload-pack', 404],
    ['.git twice', 'GET', '/app.git.git/info/refs?service=git-upload-pack', 404],
    ['other capitals', 'GET', '/APP.git/info/refs?service=git-upload-pack', 404],
    ['HEAD', 'HEAD', FETCH, 405],
    ['PUT', 'PUT', FETCH, 405],
    ['OPTIONS', 'OPTIONS', PUSH, 405],
    ['no type', 'POST', '/app.git/git-upload-pack', 415],
    ['a POST with a query', 'POST', '/app.git/git-upload-pack?service=git-receive-pack', 415],
  ])('%s: %s %s is %i', async (_what, method, path, status) => {
    expect(await ask(path, { method })).toMatchObject({ status })
  })

  test.each([
    ['application/x-git-upload-pack-request; charset=utf-8', 415],
    ['application/x-git-receive-pack-request', 415],
    ['text/plain', 415],
  ])('an upload-pack request of type %s is %i', async (type, status) => {
    expect(
      await ask('/app.git/git-upload-pack', {
        method: 'POST',
        headers: { 'content-type': type },
        body: '0000',
      }),
    ).toMatchObject({ status })
  })

  test('the companion accepts no request without a pass of this gate', async () => {
    for (const pass of [{}, { 'gate-pass': 'a.b' }, { 'gate-pass': '' }]) {
      const answer = await fetch(`${gate.companion.url}/info/refs`, { headers: pass })
      expect(answer.status).toBe(403)
    }
    expect(await ask(FETCH, { token: '', headers: { 'gate-pass': 'a.b' } })).toMatchObject({ status: 401 })
  })
})

test.each([
  ['without a token', '/app.git/git-receive-pack', '', /^HTTP\/1.1 401 .*git-gate: a token is required/s],
  ['of no type of git', '/app.git/git-receive-pack', 'ada', /^HTTP\/1.1 415 .*the content type must be/s],
])(
  'a request %s is refused in words, also to a client that is still sending',
  async (_, path, user, words) => {
    const socket = net.connect(gate.port, '127.0.0.1')
    let answer = ''
    socket.setEncoding('utf8').on('data', chunk => {
      answer += chunk
    })
    const authorization = user ? `Authorization: Basic ${btoa(`${user}:${ada.token}`)}\r\n` : ''
    socket.write(`POST ${path} HTTP/1.1\r\nHost: gate\r\n${authorization}Content-Length: 300000\r\n\r\n`)
    socket.write('x'.repeat(200_000))
    // A client on a slow line, which reads an answer only when it has sent everything.
    await delay(1_500)
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.write('x'.repeat(100_000), error => (error ? reject(error) : resolve()))
    })
    await until(
      () => words.test(answer) || undefined,
      seconds(30),
      () => `it has heard ${JSON.stringify(answer)}`,
    )
    expect(socket.errored).toBeNull()
    socket.destroy()
  },
)

test('an agent with the longest grant and repository is admitted', async () => {
  await gate.repository('long')
  const long = await gate.agent('long', { push: ['long/**'] }, { repository: 'long' })
  const denyPaths = Array.from({ length: 180 }, (_, i) => `${i}${'x'.repeat(500)}`)
  const { terms } = AgentGrant.parse(await gate.admin.request('GET', '/grants/long/long'))
  await gate.admin.grant('long', 'long', { ...terms, denyPaths })
  const {
    createdAt: _,
    name,
    ...settings
  } = Repository.parse(await gate.admin.request('GET', '/repositories/long'))
  const gitleaksConfig = `# ${'漢'.repeat(60_000)}\n`
  await gate.admin.request('PUT', `/repositories/${name}`, { ...settings, gitleaksConfig })
  expect(await long.push('refs/heads/long/x', 'hello\n')).toMatchObject(accepted)
})
