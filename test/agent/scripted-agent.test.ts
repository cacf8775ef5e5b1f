import fs from 'node:fs'
import path from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { projectRoot } from '../../local/worker/bundle.ts'
import { approvalsOf } from '../approval/fixtures/approvals.ts'
import { type Agent, type Clone, type Gate, startGate } from '../harness/index.ts'
import { recover, runIn } from '../remedies/follow-output.ts'
import { githubToken, situations } from '../remedies/situations.ts'
import { startTranscript, type Transcript } from './transcript.ts'

/** The transcript of the fourteen situations. It is written with WRITE_TRANSCRIPT=1. */
const DOCUMENT = path.join(projectRoot, 'docs/agents-transcript.md')

let gate: Gate
const transcripts: Transcript[] = []
beforeAll(async () => {
  gate = await startGate({ settings: { GATE_FETCH_FRESH_SECONDS: '3600' } })
  gate.upstream.hook(
    'update',
    `case "$1" in */ticket) git log -1 --format=%B "$3" | grep -q '^Ticket: ' && exit 0
echo 'the commit message needs a line "Ticket: NUMBER"'; exit 1;; esac`,
  )
})
afterAll(async () => {
  await gate?.[Symbol.asyncDispose]()
  if (!process.env.WRITE_TRANSCRIPT) return
  const order = new Map(ALL.map(({ name }, i) => [name, i]))
  const sorted = transcripts.toSorted((a, b) => (order.get(a.name) ?? 0) - (order.get(b.name) ?? 0))
  fs.writeFileSync(DOCUMENT, `${HEAD}\n${sorted.map(each => each.format()).join('\n')}`)
})

const HEAD = `# An agent in fourteen situations

A script with git, curl and the tools of \`/-/mcp\` alone follows the words that it reads, through each of these situations
(\`test/agent/scripted-agent.test.ts\`; \`WRITE_TRANSCRIPT=1\` writes this page). Lines with \`$\` are its commands, lines with
\`>\` its calls of tools, and the steps of the approver, who is the only person.
`

interface Scene {
  readonly me: string
  readonly agent: Agent
  readonly work: Clone
  readonly log: Transcript
  readonly tool: (name: string, args: Record<string, unknown>) => Promise<string>
}

/** A situation that `test/remedies` makes, and that the printed lines lead out of. */
const known = (name: string, called: string) => {
  const found = situations.find(situation => situation.name === called)
  if (!found) throw new Error(`there is no situation "${called}"`)
  const { grant, isAlone, prepare } = found
  return {
    name,
    grant,
    isAlone,
    async live({ me, agent, work, log }: Scene) {
      const push = await prepare({ work, me, gate, agent })
      return (await recover(work, push, { onRun: log.run })).by === 'itself'
    },
  }
}

/** Pushes, and logs it. */
async function push({ work, log }: Scene, ref: string) {
  const args = ['push', 'origin', `HEAD:${ref}`]
  const ran = await runIn(work.dir, 'git', args)
  log.run(`git ${args.join(' ')}`, ran)
  return ran
}

const ALL: readonly {
  name: string
  grant?: Parameters<Gate['agent']>[1] | undefined
  isAlone?: boolean | undefined
  live(scene: Scene): Promise<boolean>
}[] = [
  known(
    'A branch that the grant does not allow',
    'a branch without a right to it, where another name is allowed',
  ),
  known('A secret in the newest commit', 'a secret in the newest commit'),
  known('A secret in an older commit', 'a secret in an older commit'),
  known('A secret in a commit message', 'a secret in the message of an older commit'),
  known('A secret that a merge brings', 'a secret that a merge brings'),
  known('A file that is too large', 'a file that is too large, in an older commit'),
  known('A path that may not be changed', 'a path that may not be changed, in several commits'),
  known('Addresses of authors', 'author e-mail addresses of several commits'),
  known('Commits without a signature', 'several commits without a signature, where git has an allowed key'),
  known('A branch that has moved', 'a branch that has moved since the last fetch'),
  {
    name: 'A rule of the upstream',
    async live(scene) {
      const { me, work, tool } = scene
      await work.commit('Change', { a: 'a' })
      const refused = await push(scene, `refs/heads/${me}/ticket`)
      const why = await tool('explain_push', {})
      const [, line = ''] = /needs a line "(\w+: )NUMBER"/.exec(why) ?? []
      await work.text(['commit', '-q', '--amend', '-m', `Change\n\n${line}7`])
      return refused.code !== 0 && (await push(scene, `refs/heads/${me}/ticket`)).code === 0
    },
  },
  {
    name: 'A token that has ended',
    async live(scene) {
      const { me, agent, work, log } = scene
      await work.commit('Change', { a: 'a' })
      await gate.admin.request('DELETE', `/tokens/${agent.tokenId}`)
      const refused = await push(scene, `refs/heads/${me}/work`)
      const { token } = await gate.admin.mint(me, 'renewed')
      log.note('the approver', `git gate token mint ${me}`)
      await work.text(['remote', 'set-url', 'origin', agent.url().replace(agent.token, token)])
      return (
        /ask an operator for a new one/.test(refused.output) &&
        (await push(scene, `refs/heads/${me}/work`)).code === 0
      )
    },
  },
  {
    name: 'A push that waits for an approval',
    grant: { ask: [{ paths: ['.github/**'] }] },
    async live(scene) {
      const { me, work, log, tool } = scene
      await work.commit('Workflow', { '.github/ci.yml': 'on: push\n' })
      const refused = await push(scene, `refs/heads/${me}/work`)
      const [, id = ''] = /waits for an approval: push (\w+)/.exec(refused.output) ?? []
      await tool('request_approval', { push: id, reason: 'The build needs it' })
      await approvalsOf(gate).approve(id)
      log.note('the approver', `git gate approval approve ${id}`)
      const status = await tool('approval_status', { push: id })
      const fetched = await runIn(work.dir, 'git', ['fetch', 'origin'])
      log.run('git fetch origin', fetched)
      const there = await work.text(['rev-parse', `origin/${me}/work`])
      return status.includes('forwarded') && there === (await work.text(['rev-parse', 'HEAD']))
    },
  },
  {
    name: 'A finding that is no secret',
    async live(scene) {
      const { me, agent, work, log, tool } = scene
      await work.commit('Sample', { 'sample.ts': `export const sample = '${githubToken()}'\n` })
      const refused = await push(scene, `refs/heads/${me}/work`)
      const [, fingerprint = ''] = /fingerprint (\S+)/.exec(refused.output) ?? []
      const asked = { repository: 'app', fingerprint, reason: 'A sample of the documentation' }
      await tool('request_exception', asked)
      await gate.admin.request('POST', '/exceptions', { ...asked, reason: 'a sample' })
      log.note('the approver', `git gate exception add app ${fingerprint} --reason 'a sample'`)
      const url = `${gate.url}/app?fingerprint=${fingerprint}`
      const header = `Authorization: Bearer ${agent.token}`
      const curled = await runIn(work.dir, 'curl', [
        '-sS',
        '-H',
        header,
        '-H',
        'Accept: application/json',
        url,
      ])
      log.run(`curl -H 'Authorization: Bearer TOKEN' -H 'Accept: application/json' ${url}`, curled)
      return curled.output.includes('push again') && (await push(scene, `refs/heads/${me}/work`)).code === 0
    },
  },
]

const named = ALL.map((situation, i) => ({ ...situation, me: `agent${i}` }))

async function getsThrough({ name, me, grant, live }: (typeof named)[number]) {
  const agent = await gate.agent(me, { push: ['{agent}/**'], ...grant })
  const work = await agent.clone()
  await work.text(['config', 'user.name', 'Ada'])
  await work.text(['config', 'user.email', 'ada@example.com'])
  const log = startTranscript(name)
  const client = new Client({ name: 'agent', version: '1' })
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${gate.url}/-/mcp`), {
      requestInit: { headers: { authorization: `Bearer ${agent.token}` } },
    }),
  )
  const tool: Scene['tool'] = async (called, args) => {
    const { content } = await client.callTool({ name: called, arguments: args })
    const answer = content.map(each => (each.type === 'text' ? each.text : '')).join('\n')
    log.note(`${called} ${JSON.stringify(args)}`, answer)
    return answer
  }
  expect(await live({ me, agent, work, log, tool }), log.format()).toBe(true)
  await client.close()
  transcripts.push(log)
}

describe('an agent with git, curl and the tools gets through', () => {
  test.each(named.filter(({ isAlone }) => isAlone))('$name', getsThrough)

  test.concurrent.each(named.filter(({ isAlone }) => !isAlone))('$name', getsThrough)
})
