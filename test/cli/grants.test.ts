import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { GrantTerms } from '../../src/contract/grant.ts'
import { type Operator, startOperator } from './fixtures/operator.ts'

let operator: Operator
beforeAll(async () => {
  operator = await startOperator()
  await operator.gate.json('POST', '/identities', { name: 'deploy' })
  await operator.ok(
    ...['repo', 'add', 'demo', '--upstream', 'ssh://git@127.0.0.1:2222/srv/demo.git'],
    ...['--identity', 'deploy', '--known-hosts', 'known_hosts'],
  )
}, 60_000)
afterAll(() => operator[Symbol.asyncDispose]())

const Granted = z.object({ terms: GrantTerms })
const set = async (agent: string, ...args: string[]) =>
  Granted.parse(await operator.json('grant', 'set', agent, 'demo', ...args)).terms
async function restricted(agent: string): Promise<GrantTerms> {
  await operator.ok('agent', 'add', agent)
  return set(
    agent,
    ...['--push', '{agent}/**', 'topic/*', '--force', '{agent}/**', '--delete', '{agent}/**'],
    ...['--deny', 'main', '--deny-path', '.github/**', '*.lock', '--email', '*@example.com'],
    ...['--no-symlinks', '--no-submodules', '--max-blob-bytes', '1000', '--push-options', 'ci.*'],
    ...['--pull-requests', 'main'],
  )
}

test('the options of grant set become rules and limits', async () => {
  await operator.ok('agent', 'add', 'bob')
  const terms = (...args: string[]) => set('bob', '--replace', '--yes', ...args)

  expect((await terms('--push', 'main', 'rel/*')).rules).toEqual([
    { pattern: 'refs/heads/main', allow: ['create', 'update'], deny: [] },
    { pattern: 'refs/heads/rel/*', allow: ['create', 'update'], deny: [] },
  ])
  expect(
    (
      await terms(
        '--push',
        'refs/heads/**',
        '--deny',
        'main',
        '--force',
        '{agent}/**',
        '--delete',
        '{agent}/**',
        '--tags',
        'v*',
      )
    ).rules,
  ).toEqual([
    { pattern: 'refs/heads/main', allow: [], deny: ['create', 'update', 'force', 'delete'] },
    { pattern: 'refs/heads/**', allow: ['create', 'update'], deny: [] },
    { pattern: 'refs/heads/{agent}/**', allow: ['force', 'delete'], deny: [] },
    { pattern: 'refs/tags/v*', allow: ['create'], deny: [] },
  ])
  expect(
    await terms(
      '--push',
      '**',
      '--push-options',
      'ci.*',
      'topic=*',
      '--deny-path',
      '.github/**',
      '--email',
      '*@example.com',
      '--no-symlinks',
      '--no-submodules',
      '--max-blob-bytes',
      '1000',
    ),
  ).toMatchObject({
    pushOptions: ['ci.*', 'topic=*'],
    denyPaths: ['.github/**'],
    emails: ['*@example.com'],
    symlinks: false,
    submodules: false,
    maxBlobBytes: 1000,
  })
  expect(await terms('--read')).toMatchObject({
    rules: [],
    symlinks: true,
    submodules: true,
    pushOptions: [],
  })
  await operator.ok('grant', 'remove', 'bob', 'demo')
  expect(await operator.json('grant', 'list', 'bob')).toEqual([])
})

test('a change of a grant keeps every part that it does not name', async () => {
  const before = await restricted('ada')
  const withTags = await set('ada', '--tags', 'v*')
  expect(withTags).toEqual({
    ...before,
    rules: [...before.rules, { pattern: 'refs/tags/v*', allow: ['create'], deny: [] }],
  })
  expect(await set('ada', '--push', 'main2')).toEqual({
    ...withTags,
    rules: [
      { pattern: 'refs/heads/main', allow: [], deny: ['create', 'update', 'force', 'delete'] },
      { pattern: 'refs/heads/{agent}/**', allow: ['force', 'delete'], deny: [] },
      { pattern: 'refs/tags/v*', allow: ['create'], deny: [] },
      { pattern: 'refs/heads/main2', allow: ['create', 'update'], deny: [] },
    ],
  })
  expect((await set('ada', '--no-delete', '--no-push')).rules).toEqual([
    { pattern: 'refs/heads/main', allow: [], deny: ['create', 'update', 'force', 'delete'] },
    { pattern: 'refs/heads/{agent}/**', allow: ['force'], deny: [] },
    { pattern: 'refs/tags/v*', allow: ['create'], deny: [] },
  ])
})

test('the grant before and after a change is printed', async () => {
  await operator.ok('agent', 'add', 'bert')
  await set('bert', '--push', 'bert/**', '--deny-path', 'ci/**')
  const printed = await operator.ok('grant', 'set', 'bert', 'demo', '--push', 'fix/**')
  expect(printed).toMatch(
    /^before: bert\/\*\* .*not ci\/\*\*\nafter: {2}bert in demo: fix\/\*\* .*not ci\/\*\*\n$/,
  )
})

test.each([
  [['--no-deny'], 'the deny of create of refs/heads/main'],
  [['--deny-path', '*.lock'], 'the denied path .github/**'],
  [['--no-email'], 'the e-mail addresses *@example.com'],
  [['--symlinks'], 'the refusal of symbolic links'],
  [['--max-blob-bytes', '2000'], 'the limit of 1000 bytes a file'],
  [['--replace', '--push', 'main'], 'the refusal of submodules'],
])('a change that drops a restriction needs --yes without a terminal: %j', async (args, restriction) => {
  const agent = `cy-${args.join('').replaceAll(/[^a-z]/g, '')}`
  const before = await restricted(agent)
  const refused = await operator.run('grant', 'set', agent, 'demo', ...args)
  expect(refused).toMatchObject({ code: 1, stdout: '' })
  expect(refused.stderr).toContain(restriction)
  expect(refused.stderr).toContain('--yes')
  expect(await operator.gate.json('GET', `/grants/${agent}/demo`)).toMatchObject({ terms: before })
  await operator.ok('grant', 'set', agent, 'demo', ...args, '--yes')
  expect(await operator.gate.json('GET', `/grants/${agent}/demo`)).not.toMatchObject({ terms: before })
})

test('the audit log has the grant before and after a change, and before its removal', async () => {
  await operator.ok('agent', 'add', 'dora')
  const before = await set('dora', '--push', 'a/**')
  const after = await set('dora', '--push', 'b/**')
  await operator.ok('grant', 'remove', 'dora', 'demo')
  const changes = z
    .array(z.object({ action: z.string(), subject: z.string(), detail: z.unknown() }))
    .parse(await operator.json('audit-log', 'list'))
  const detailOf = (action: string) =>
    changes.find(each => each.action === action && each.subject === 'dora demo')?.detail
  expect(detailOf('grant.set')).toEqual({ before, terms: after })
  expect(detailOf('grant.remove')).toEqual({ before: after })
})
