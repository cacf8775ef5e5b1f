import { once } from 'node:events'
import { InvalidArgumentError, Option } from 'commander'
import type { Push, PushRecord } from '../../src/contract/api.ts'
import { inBytes } from '../../src/contract/format-bytes.ts'
import { LET_GO, Outcome } from '../../src/contract/outcome.ts'
import type { Client } from '../client.ts'
import { answer, localTime, plain, table } from '../output.ts'
import { pointInTime, TIMES } from '../point-in-time.ts'
import { command, gate, group } from './context.ts'

const PAGE = 2000

const list = command('list', 'push attempts, newest first')
  .option('--repository <name>', 'of this repository')
  .option('--agent <name>', 'of this agent')
  .addOption(new Option('--outcome <outcome>', 'that ended so').choices(Outcome.options))
  .option('--since <when>', `from then on: ${TIMES}`)
  .option('--limit <n>', 'at most so many', count, 100)
  .action(async options => {
    const pushes = await collect(gate(), options.limit, {
      repository: options.repository,
      agent: options.agent,
      outcome: options.outcome,
      since: options.since ? pointInTime(options.since, 'ago') : undefined,
    })
    answer(options, pushes, () =>
      table(
        ['ID', 'STARTED', 'REPOSITORY', 'AGENT', 'OUTCOME', 'TOOK', 'REFS'],
        pushes.map(each => [
          each.id,
          localTime(each.startedAt),
          each.repository,
          each.agent,
          each.findings.length ? `${each.outcome} (${each.findings.length} secrets)` : each.outcome,
          `${(each.ms / 1000).toFixed(1)} s`,
          each.refs.map(ref => ref.ref.replace(/^refs\/heads\//, '')).join(', '),
        ]),
      ),
    )
  })

const exported = command('export', 'every push attempt in full, as JSON lines, newest first')
  .option('--repository <name>', 'of this repository')
  .option('--agent <name>', 'of this agent')
  .option('--since <when>', `from then on: ${TIMES}`)
  .action(async options => {
    const lines = gate().pushes.export({
      repository: options.repository,
      agent: options.agent,
      since: options.since ? pointInTime(options.since, 'ago') : undefined,
    })
    for await (const piece of lines) if (!process.stdout.write(piece)) await once(process.stdout, 'drain')
  })

async function collect(
  client: Client,
  limit: number,
  filter: Record<string, string | undefined>,
): Promise<Push[]> {
  const pushes: Push[] = []
  let cursor: string | undefined
  do {
    const page = await client.pushes.page({ ...filter, cursor, limit: Math.min(limit - pushes.length, PAGE) })
    pushes.push(...page.pushes)
    cursor = page.next ?? undefined
  } while (cursor !== undefined && pushes.length < limit)
  return pushes
}

function count(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('It is a number from 1.')
  return Number(text)
}

const show = command('show <id>', 'everything on record about one push').action(
  async (id: string, options) => {
    const push = await gate().pushes.show(id)
    answer(options, push, () => plain(story(push)))
  },
)

function story(push: PushRecord): string {
  return [
    `push         ${push.id}`,
    `outcome      ${push.outcome} (${push.phase})`,
    ...(push.reaped ? [`let go       ${LET_GO[push.reaped]}`] : []),
    `repository   ${push.repository}`,
    `agent        ${push.agent}, token ${push.token}`,
    `started      ${localTime(push.startedAt)}, took ${(push.ms / 1000).toFixed(1)} s`,
    `client       ${push.clientVersion} ${push.clientAddress}`.trimEnd(),
    ...push.refs.map(ref =>
      `ref          ${ref.ref} ${short(ref.old)}..${short(ref.new)} ${ref.status ?? ''} ${ref.reason}`.trimEnd(),
    ),
    ...(push.scannedBytes ? [`scanned      ${inBytes(push.scannedBytes)} by gitleaks`] : []),
    ...push.steps.map(step => `step         ${step.step} ${step.ms} ms`),
    ...push.findings.flatMap(finding => [
      `secret       ${finding.rule} in ${finding.path}:${finding.line}, commit ${short(finding.commit)}`,
      `             fingerprint ${finding.fingerprint}${finding.asksForException ? ' (asks for an exception)' : ''}`,
    ]),
    ...(push.exceptionsUsed.length ? [`exceptions   ${push.exceptionsUsed.join(', ')}`] : []),
    ...lines('upstream', push.upstreamSaid.split('\n')),
    ...lines('told', push.told),
  ].join('\n')
}

const short = (id: string) => id.slice(0, 10)
const lines = (title: string, all: readonly string[]) =>
  all.filter(line => line.trim()).map((line, index) => `${(index ? '' : title).padEnd(12)} ${line}`)

export const push = group('push', 'the record of what agents pushed', list, show, exported)
