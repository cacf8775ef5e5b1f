import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gitGate } from './command.ts'
import { type Operator, startOperator } from './fixtures/operator.ts'

let operator: Operator
beforeAll(async () => {
  operator = await startOperator()
  writeFileSync(join(operator.folder, 'words.txt'), 'these are no keys\n')
  await operator.ok('identity', 'new', 'deploy')
  const at = ['--upstream', 'git@github.com:acme/app.git', '--known-hosts', 'known_hosts']
  await operator.ok('repo', 'add', 'app', ...at, '--identity', 'deploy')
  await operator.ok('agent', 'add', 'ada', '--grant', 'app')
}, 60_000)
afterAll(() => operator[Symbol.asyncDispose]())

test('a list with a name that the gate does not have is an error, not an empty list', async () => {
  const lists = [
    'pending list --repository',
    'approval list --repository',
    'exception list --repository',
    'grant list --repository',
    'grant list',
    'token list',
  ]
  const ran = await Promise.all(lists.map(words => operator.run(...words.split(' '), 'apq')))
  for (const [i, result] of ran.entries())
    expect(result, lists[i]).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /there is no (repository|agent) apq\nList them: git gate (repo|agent) list/,
      ),
    })
})

test('the history of a name that the gate does not have is empty, with a note', async () => {
  expect(await operator.run('push', 'list', '--repository', 'apq', '--json')).toEqual({
    code: 0,
    stdout: '[]\n',
    stderr: 'there is no repository apq\n',
  })
})

test('a list of a name that the gate has may be empty', async () => {
  expect(await operator.json('push', 'list', '--repository', 'APP', '--agent', 'ada')).toEqual([])
  expect(await operator.json('token', 'list', 'ada')).toEqual([])
})

test.each([
  ['credential list', 'no credentials'],
  ['push list', 'no pushes'],
  ['approval list', 'no push waits for an approval'],
  ['approval list --all', 'no push has waited for an approval'],
  ['pending list', 'no finding waits for a decision'],
  ['operator list', 'no operator who signs in has a role'],
  ['webhook list', 'no webhooks'],
])('git gate %s names in one line what is empty', async (command, line) => {
  expect(await operator.run(...command.split(' '))).toEqual({ code: 0, stdout: `${line}\n`, stderr: '' })
})

test('with --json a wrong command line is told as JSON too', async () => {
  for (const words of [['repo', 'add', 'x'], ['nonsense'], ['push', 'list', '--limit', 'x']]) {
    const { code, stdout, stderr } = await operator.run(...words, '--json')
    expect([code, stdout]).toEqual([2, ''])
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'usage', message: expect.stringMatching(/\w/), fix: 'See --help' },
    })
  }
})

test('a misspelt GATE_ setting stops a command before it reaches another gate', async () => {
  const env = { ...operator.env, GATE_URLL: '/elsewhere' }
  expect(await gitGate(['agent', 'list'], { env })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('GATE_URLL: there is no such setting; did you mean GATE_URL?'),
  })
})

test('doctor says that there is no such repository, and credential set that it got no secret', async () => {
  const { code, stdout } = await operator.run('doctor', 'apq')
  expect(code).toBe(1)
  expect(stdout).toMatch(
    /^FAIL {2}repository: there is no repository apq\n {6}List them: git gate repo list$/m,
  )
  expect(await operator.run('credential', 'set', 'host', '--user', 'oauth2')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('standard input has no secret'),
  })
})

const GRANT = ['grant', 'set', 'ada', 'app']
const misfits: readonly [code: number, args: string[], message: string][] = [
  [1, ['agent', 'add', 'A B'], '<agent>: a name is '],
  [2, [...GRANT, '--deny-path', 'ci/**', '/x'], "--deny-path '/x': matches no path"],
  [2, [...GRANT, '--email', 'acme.example'], "--email 'acme.example': matches no e-mail address"],
  [2, [...GRANT, '--push', 'ok', '{agnet}/**'], "--push '{agnet}/**': the only variable"],
  [2, [...GRANT, '--tags', 'v 1', '--replace'], "--tags 'v 1': "],
  [2, [...GRANT, '--allowed-signers', 'words.txt'], "--allowed-signers 'words.txt': keys are public ones"],
  [2, [...GRANT, '--push-options', ''], "--push-options '': must not be empty"],
  [1, ['repo', 'set', 'app', '--web-url', 'ftp://x'], "--web-url 'ftp://x': must be http:// or https://"],
  [1, ['repo', 'set', 'app', '--read-refs', 'a', 'refs/x/*'], "--read-refs 'a': a pattern of refs"],
  [1, ['identity', 'new', 'x', '--public', 'known_hosts'], "--public 'known_hosts': not the public half"],
  [1, ['token', 'mint', 'ada', '--expires', '2001-01-01'], "--expires '2001-01-01': "],
  [1, ['admin-token', 'mint', 'x', '--owner', 'ada'], "--owner 'ada': must be email:ADDRESS"],
  [1, ['operator', 'set', 'ada', '--role', 'viewer'], '<principal>: must be email:ADDRESS'],
  [1, ['webhook', 'add', 'nowhere'], '<url>: '],
]
test('a value that does not fit is named as the command line has it, and leads to --help', async () => {
  const fix = 'See the options: --help'
  const ran = await Promise.all(misfits.map(([, args]) => operator.run(...args, '--json')))
  for (const [i, [code, args, message]] of misfits.entries()) {
    expect(ran[i], args.join(' ')).toMatchObject({ code, stdout: '' })
    expect(JSON.parse(ran[i]?.stderr ?? '')).toEqual({
      error: { code: 'bad-request', message: expect.stringContaining(message), fix },
    })
  }
  const { stderr } = await operator.run('agent', 'add', 'A B')
  expect(stderr).toMatch(/^git-gate: <agent>: a name is .*\nSee the options: --help\n$/)
}, 30_000)

test('an empty argument, as of an unset variable, is refused and lists nothing', async () => {
  for (const words of ['token list', 'grant list', 'push show', 'repo remove'])
    expect(await operator.run(...words.split(' '), ''), words).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^git-gate: <\w+> must not be empty\n/),
    })
})

test('a fingerprint of gitleaks is refused before it is sent, with the form of the gate', async () => {
  const of = `${'a'.repeat(40)}:settings.py:github-pat:1`
  for (const command of ['exception add', 'pending decline'])
    expect(await operator.run(...command.split(' '), 'app', of, '--reason', 'r')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${of}: a fingerprint has 32 of the characters 0-9 and a-f`),
    })
})

/** Words of zod's own messages (zod/v4/locales/en). */
const ZOD_WORDS =
  /Invalid (input|string|key|element|option|UUID|URL|ISO|email|number|discriminator)|expected|received|Too (small|big)|Unrecognized/i

const bad: readonly [string, string, unknown][] = [
  ['POST', '/agents', []],
  ['POST', '/agents', { name: 3 }],
  ['POST', '/repositories', { name: 'x', upstream: 3 }],
  [
    'POST',
    '/repositories',
    { name: 'x', upstream: 'ssh://h/x', knownHosts: '', readRefs: 7, staleReads: 'y' },
  ],
  ['POST', '/repositories', { name: 'x', upstream: 'ssh://h/x', knownHosts: '', forge: 'svn' }],
  ['PUT', '/repositories/app', { webUrl: 3 }],
  ['PUT', '/grants/ada/app', { rules: [{ pattern: 'refs/heads/x', allow: ['fly'] }] }],
  ['PUT', '/grants/ada/app', { rules: [{ pattern: 'x', allow: ['create'], more: 1 }] }],
  ['PUT', '/grants/ada/app', { maxBlobBytes: 1.5 }],
  ['PUT', '/grants/ada/app', { ask: [{ approvals: 77 }] }],
  ['PUT', '/grants/ada/app', { ask: Array.from({ length: 200 }, () => ({ findings: true })) }],
  ['PUT', '/grants/ada/app', { symlinks: 'no', hostApi: 7 }],
  ['POST', '/tokens', { agent: 'ada', expiresAt: 'tomorrow' }],
  ['POST', '/tokens', { agent: 'ada', label: 'x'.repeat(300) }],
  ['GET', '/pushes?limit=0', undefined],
  ['GET', '/pushes?limit=x', undefined],
  ['GET', '/pushes?since=x', undefined],
  ['GET', '/pushes?outcome=x', undefined],
  ['POST', '/decisions', { repository: 'app', decision: 'maybe', reason: 'r' }],
  ['POST', '/exceptions', { repository: 'app', fingerprint: 'a'.repeat(32), reason: 'r', until: 5 }],
  ['POST', '/webhooks', { url: 'nowhere', events: 'all' }],
  ['POST', '/identities', { name: 'x', register: {} }],
  ['PUT', '/credentials/x', { app: { id: '-' }, secret: 'x' }],
  ['POST', '/admin-tokens', { label: 'x', role: 'king' }],
  ['PUT', '/operators', { principal: 'x', role: 'y' }],
]
test('the API’s errors are in plain words, without zod’s own', async () => {
  for (const [method, path, body] of bad) {
    const response = await operator.gate.request(path, {
      method,
      headers: {
        authorization: `Bearer ${operator.gate.adminToken}`,
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    expect([response.status, text], `${method} ${path} ${JSON.stringify(body)}`).toEqual([
      400,
      expect.not.stringMatching(ZOD_WORDS),
    ])
  }
})
