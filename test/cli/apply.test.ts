import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { z } from 'zod'
import { type AdminGate, hostKey, startAdminGate } from '../api/fixtures/admin-gate.ts'
import { gitGate } from './command.ts'

const REPOSITORIES = 50
const AGENTS = 20
const GRANTS_EACH = 10

let gate: AdminGate
let folder: string
beforeAll(async () => {
  gate = await startAdminGate()
  folder = mkdtempSync(join(tmpdir(), 'gate-apply-'))
  writeFileSync(join(folder, 'known_hosts'), hostKey('git.example.org'))
}, 60_000)
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await gate[Symbol.asyncDispose]()
})

/** Defaults for the repositories of a file. */
const DEFAULTS = 'defaults: {identity: deploy, knownHostsFile: known_hosts}\nidentities: [deploy]\n'

interface State {
  repositories: Record<string, object>
  agents: Record<string, { grants: Record<string, unknown> } | null>
}
const state = (): State & Record<string, unknown> => ({
  defaults: { identity: 'deploy', knownHostsFile: 'known_hosts' },
  identities: ['deploy'],
  repositories: Object.fromEntries(
    Array.from({ length: REPOSITORIES }, (_, i) => [
      `acme/app-${i}`,
      { upstream: `ssh://git@git.example.org/acme/app-${i}.git` },
    ]),
  ),
  agents: Object.fromEntries(
    Array.from({ length: AGENTS }, (_, i) => [
      `agent-${i}`,
      {
        grants: Object.fromEntries(
          Array.from({ length: GRANTS_EACH }, (_, j) => [
            `acme/app-${(i * 7 + j) % REPOSITORIES}`,
            j === 0
              ? 'read'
              : j === 1
                ? 'own'
                : { push: ['{agent}/**', 'shared/*'], tags: ['v*'], denyPaths: ['.github/**'] },
          ]),
        ),
      },
    ]),
  ),
})

const ApplyResult = z.object({
  plan: z.array(z.object({ action: z.string(), kind: z.string(), name: z.string(), detail: z.string() })),
  applied: z.boolean(),
})
async function apply(of: object, ...args: string[]) {
  writeFileSync(join(folder, 'gate.yaml'), stringify(of))
  const ran = await gitGate(['apply', 'gate.yaml', '--json', ...args], {
    env: { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken },
    cwd: folder,
  })
  expect(ran, ran.stderr).toMatchObject({ code: 0 })
  return ApplyResult.parse(JSON.parse(ran.stdout))
}
const told = (answer: z.infer<typeof ApplyResult>) =>
  answer.plan.map(({ action, kind, name }) => `${action} ${kind} ${name}`)

test('50 repositories and 200 grants: plan, apply, apply again, change, apply', {
  timeout: 120_000,
}, async () => {
  const first = await apply(state(), '--dry-run')
  expect(first.applied).toBe(false)
  expect(first.plan).toHaveLength(1 + REPOSITORIES + AGENTS + AGENTS * GRANTS_EACH)
  expect(await gate.json('GET', '/agents')).toEqual([])

  expect((await apply(state(), '--yes')).plan).toEqual(first.plan)
  expect(await gate.json('GET', '/repositories')).toHaveLength(REPOSITORIES)
  expect(await gate.json('GET', '/grants')).toHaveLength(AGENTS * GRANTS_EACH)
  expect(await apply(state(), '--yes')).toEqual({ plan: [], applied: false })

  const changed = state()
  changed.repositories['acme/app-3'] = {
    upstream: 'ssh://git@git.example.org/acme/renamed.git',
    staleReads: true,
  }
  changed.agents['agent-0'] = { grants: { 'acme/app-0': { push: ['**'], deny: ['main'] } } }
  changed.agents.newcomer = null
  const third = await apply(changed, '--yes')
  expect(told(third)).toEqual([
    'change repository acme/app-3',
    'add agent newcomer',
    'change grant agent-0 acme/app-0',
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map(i => `remove grant agent-0 acme/app-${i}`),
  ])
  expect(third.plan[0]).toMatchObject({ detail: 'upstream, staleReads' })
  expect(await apply(changed, '--yes')).toEqual({ plan: [], applied: false })

  delete changed.agents.newcomer
  expect(told(await apply(changed, '--yes'))).toEqual([])
  expect(told(await apply(changed, '--yes', '--prune'))).toEqual(['remove agent newcomer'])
})

test.each([
  ['a list', '- a\n', 'is invalid'],
  ['broken YAML', 'a: [', 'neither YAML nor JSON'],
  ['an unknown word', 'repos: {}\n', 'repos'],
  ['a bad name', 'agents: {"A B": }\n', 'agents'],
  ['a repository without an identity', 'repositories: {a: {upstream: "git@h:a"}}\n', 'no identity'],
  ['a grant of nothing', 'agents: {a: {grants: {b: {}}}}\n', 'Write read there, or add push'],
  ['a pattern that is no list', 'agents: {a: {grants: {b: {push: main}}}}\n', 'push: must be a list'],
  ['a grant of an unknown word', 'agents: {a: {grants: {b: full}}}\n', 'read, own, or'],
  ['a grant with a typo', 'agents: {a: {grants: {b: {psuh: [main]}}}}\n', '"psuh"'],
  [
    'a repository that is there twice, in another case',
    `${DEFAULTS}repositories: {Acme/App: {upstream: "git@h:a"}, acme/app: {upstream: "git@h:b"}}\n`,
    'Acme/App and acme/app differ only by case',
  ],
  [
    'a grant that is there twice',
    'agents: {a: {grants: {B: read, b: own}}}\n',
    'B and b differ only by case',
  ],
  ['an agent of a forbidden name', 'agents: {__proto__: }\n', 'agents'],
  [
    'a grant in a repository that is nowhere',
    'agents: {late: {grants: {not/there: own}}}\n',
    'late in not/there',
  ],
  [
    'a repository with an identity that is nowhere',
    'repositories: {a: {upstream: "git@git.example.org:a", identity: nobody, knownHosts: x}}\n',
    'no identity nobody',
  ],
  [
    'a typo in a pattern',
    'agents: {a: {grants: {b: {push: ["{agnet}/**"]}}}}\n',
    'wrong.yaml: a in b: push.0: the only variable of a ref pattern is {agent}\nCorrect wrong.yaml',
  ],
])('%s is rejected before anything changes', async (_, text, told) => {
  writeFileSync(join(folder, 'wrong.yaml'), text)
  const ran = await gitGate(['apply', 'wrong.yaml', '--yes'], {
    env: { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken },
    cwd: folder,
  })
  expect(ran.code).toBeGreaterThan(0)
  expect(ran.stderr).toContain(told)
  expect(ran.stderr).not.toMatch(/unexpected error|--help|--push|--read/)
  // The last line is a remedy.
  expect(ran.stderr.trim().split('\n').at(-1)).toMatch(/^(Correct wrong\.yaml,|Set|List|Write) /)
  expect(await gate.json('GET', '/agents')).not.toContainEqual(expect.objectContaining({ name: 'late' }))
})

test('a value of the file that only the gate refuses leads to the file, with --dry-run too', async () => {
  const repository = `{upstream: "git@git.example.org:p", proxy: nowhere}`
  writeFileSync(join(folder, 'refused.yaml'), `${DEFAULTS}repositories: {p: ${repository}}\n`)
  for (const option of ['--yes', '--dry-run']) {
    const ran = await gitGate(['apply', 'refused.yaml', option], {
      env: { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken },
      cwd: folder,
    })
    expect(ran).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /\+ repository p: .*proxy: a proxy is http:.*\nCorrect refused\.yaml, and apply it again; .*\n$/,
      ),
    })
  }
})

test('__proto__ is a valid repository name', async () => {
  const named = 'repositories: {__proto__: {upstream: "git@git.example.org:p"}}\n'
  writeFileSync(join(folder, 'proto.yaml'), DEFAULTS + named)
  const ran = await gitGate(['apply', 'proto.yaml', '--yes'], {
    env: { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken },
    cwd: folder,
  })
  expect(ran.stdout).toMatch(/^\+ repository __proto__/m)
  await gate.json('DELETE', '/repositories/__proto__')
})

test('an error names the step that failed, and no further step starts', async () => {
  const many = Array.from({ length: 60 }, (_, i) => `  rest-${i}: {upstream: "git@git.example.org:r"}\n`)
  const file = `${DEFAULTS}repositories:\n  bad: {upstream: "git://git.example.org/r"}\n${many.join('')}`
  writeFileSync(join(folder, 'refused.yaml'), file)
  const ran = await gitGate(['apply', 'refused.yaml', '--yes'], {
    env: { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken },
    cwd: folder,
  })
  expect(ran).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/\+ repository bad: .*upstream URL is invalid/),
  })
  const repositories = z.array(z.object({ name: z.string() })).parse(await gate.json('GET', '/repositories'))
  expect(repositories.filter(({ name }) => name.startsWith('rest-')).length).toBeLessThan(30)
})

test.each([
  ['an absolute path', '/etc/hostname', /use a relative path without \.\./],
  ['a path that leads up', '../outside', /use a relative path without \.\./],
  ['a path that leads up again', 'hosts/../../outside', /use a relative path without \.\./],
  ['a link to a file elsewhere', 'link', /link: it is a link to a file outside the folder/],
  ['a link to a folder elsewhere', 'up/outside', /it is a link to a file outside the folder/],
  ['a file that never ends', 'pipe', /pipe: it is not a regular file/],
])('apply reads beside its file only: not %s', async (_, name, complaint) => {
  const outer = mkdtempSync(join(tmpdir(), 'gate-apply-'))
  const inner = join(outer, 'checkout')
  mkdirSync(join(inner, 'hosts'), { recursive: true })
  writeFileSync(join(outer, 'outside'), 'the text of a secret\n')
  symlinkSync('../outside', join(inner, 'link'))
  symlinkSync('..', join(inner, 'up'))
  execFileSync('mkfifo', [join(inner, 'pipe')])
  const repositories = {
    app: { upstream: 'ssh://git@git.example.org/app.git', identity: 'deploy', gitleaksConfigFile: name },
  }
  const text = stringify({ defaults: { knownHosts: hostKey('git.example.org') }, repositories })
  writeFileSync(join(inner, 'gate.yaml'), text)
  const ran = await gitGate(['apply', 'gate.yaml'], {
    env: { GATE_URL: gate.url, GATE_ADMIN_TOKEN: gate.adminToken },
    cwd: inner,
  })
  rmSync(outer, { recursive: true })
  expect(ran.code).not.toBe(0)
  expect(ran.stdout).toBe('')
  expect(ran.stderr).toMatch(complaint)
  expect(ran.stderr).not.toContain('secret')
})

test('apply reads a file in a folder below, and by a link that stays inside', async () => {
  mkdirSync(join(folder, 'below'), { recursive: true })
  writeFileSync(join(folder, 'below/hosts'), hostKey('git.example.org'))
  symlinkSync('hosts', join(folder, 'below/link'))
  const of = {
    defaults: { identity: 'deploy', knownHostsFile: 'below/link' },
    identities: ['deploy'],
    repositories: { below: { upstream: 'ssh://git@git.example.org/below.git' } },
  }
  expect(told(await apply(of))).toContain('add repository below')
})
