import { once } from 'node:events'
import { Option } from 'commander'
import type { Push, PushRecord } from '../../../src/contract/admin-api/pushes.ts'
import { DISCONNECT_MESSAGES, Outcome } from '../../../src/contract/outcome.ts'
import { formatBytes } from '../../../src/contract/text/format-bytes.ts'
import { plural } from '../../../src/contract/text/plural.ts'
import type { Client } from '../../client.ts'
import type { CliError } from '../../errors.ts'
import { parseCount } from '../../options/count.ts'
import { parseTime, TIME_FORMATS } from '../../options/point-in-time.ts'
import { localTime, printNote, printResult, stripControl, table } from '../../output.ts'
import { assertKnown, command, gate, group } from '../context.ts'

const PAGE_SIZE = 2000

const list = command('list', 'list push attempts, newest first')
  .option('--repository <name>', 'only this repository')
  .option('--agent <name>', 'only this agent')
  .addOption(new Option('--outcome <outcome>', 'only this outcome').choices(Outcome.options))
  .option('--search <text>', 'only pushes with this part of a name, an object id, a path or a rule')
  .option('--since <when>', `only pushes since then: ${TIME_FORMATS}`)
  .option('--limit <n>', 'maximum number of pushes', parseCount, 100)
  .action(async options => {
    const client = gate()
    const { pushes, hasMore } = await collect(client, options.limit, {
      repository: options.repository,
      agent: options.agent,
      outcome: options.outcome,
      search: options.search,
      since: options.since ? parseTime(options.since, 'ago') : undefined,
    })
    // The history of a name that the gate no longer has may be empty, so this is no error.
    await assertKnown(client, pushes, options).catch(({ message }: CliError) => printNote(message))
    if (hasMore) printNote(`there are older pushes: --limit ${10 * options.limit} lists more`)
    printResult(options, pushes, () =>
      table(
        'no pushes',
        ['ID', 'STARTED', 'REPOSITORY', 'AGENT', 'OUTCOME', 'DURATION', 'REFS'],
        pushes.map(push => [
          push.id,
          localTime(push.startedAt),
          push.repository,
          push.agent,
          push.findings.length ? `${push.outcome} (${plural(push.findings.length, 'secret')})` : push.outcome,
          `${(push.ms / 1000).toFixed(1)} s`,
          push.refs.map(ref => ref.ref.replace(/^refs\/heads\//, '')).join(', '),
        ]),
      ),
    )
  })

const exportCommand = command('export', 'export full push records as JSON lines, newest first')
  .option('--repository <name>', 'only this repository')
  .option('--agent <name>', 'only this agent')
  .option('--since <when>', `only pushes since then: ${TIME_FORMATS}`)
  .action(async options => {
    const chunks = gate().pushes.export({
      repository: options.repository,
      agent: options.agent,
      since: options.since ? parseTime(options.since, 'ago') : undefined,
    })
    for await (const chunk of chunks) if (!process.stdout.write(chunk)) await once(process.stdout, 'drain')
  })

async function collect(
  client: Client,
  limit: number,
  filter: Record<string, string | undefined>,
): Promise<{ pushes: Push[]; hasMore: boolean }> {
  const pushes: Push[] = []
  let cursor: string | undefined
  do {
    const page = await client.pushes.page({
      ...filter,
      cursor,
      limit: Math.min(limit - pushes.length, PAGE_SIZE),
    })
    pushes.push(...page.pushes)
    cursor = page.next ?? undefined
  } while (cursor !== undefined && pushes.length < limit)
  return { pushes, hasMore: cursor !== undefined }
}

const show = command('show <id>', 'show the full record of a push').action(async (id: string, options) => {
  const push = await gate().pushes.show(id)
  printResult(options, push, () => stripControl(formatPush(push)))
})

function formatPush(push: PushRecord): string {
  return [
    `push         ${push.id}`,
    `outcome      ${push.outcome}, last step: ${push.step}`,
    ...(push.disconnectReason ? [`disconnect   ${DISCONNECT_MESSAGES[push.disconnectReason]}`] : []),
    `repository   ${push.repository}`,
    `agent        ${push.agent}, token ${push.tokenId}`,
    `started      ${localTime(push.startedAt)}, duration ${(push.ms / 1000).toFixed(1)} s`,
    `client       ${push.clientVersion} ${push.clientAddress}`.trimEnd(),
    ...push.refs.map(ref =>
      `ref          ${ref.ref} ${abbreviate(ref.old)}..${abbreviate(ref.new)} ${ref.status ?? ''} ${ref.reason}`.trimEnd(),
    ),
    ...(push.pullRequest ? [`pull request ${push.pullRequest.url}`] : []),
    ...(push.scannedBytes ? [`scanned      ${formatBytes(push.scannedBytes)} by gitleaks`] : []),
    ...push.lfsObjects.map(
      ({ oid, size, path }) => `LFS object   ${path} ${formatBytes(size)} ${oid.slice(0, 10)}`,
    ),
    ...push.steps.map(step => `step         ${step.step} ${step.ms} ms`),
    ...push.findings.flatMap(finding => [
      `secret       ${finding.rule} in ${finding.path}:${finding.line}, commit ${abbreviate(finding.commit)}`,
      `             fingerprint ${finding.fingerprint}${finding.asksForException ? ' (exception requested)' : ''}`,
    ]),
    ...(push.exceptionsUsed.length ? [`exceptions   ${push.exceptionsUsed.join(', ')}`] : []),
    ...labelLines('upstream', push.upstreamOutput.split('\n')),
    ...labelLines('messages', push.remoteLines),
  ].join('\n')
}

const abbreviate = (id: string) => id.slice(0, 10)
const labelLines = (label: string, lines: readonly string[]) =>
  lines.filter(line => line.trim()).map((line, index) => `${(index ? '' : label).padEnd(12)} ${line}`)

export const push = group('push', 'show the push history', list, show, exportCommand)
