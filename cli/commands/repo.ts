import { inBytes } from '../../src/contract/format-bytes.ts'
import { RepositoryName } from '../../src/contract/names.ts'
import type { MirrorStatus } from '../../src/contract/status.ts'
import { UsageComplaint } from '../errors.ts'
import { answer, localTime, note, plain, table } from '../output.ts'
import { readText } from '../read-text.ts'
import { command, gate, group } from './context.ts'

/** The settings of a repository, as options say them. */
const OPTIONS = {
  upstream: ['--upstream <url>', 'where pushes go: ssh://git@host[:port]/path or git@host:path'],
  identity: ['--identity <name>', 'the SSH key the gate uses there (git gate identity new)'],
  knownHosts: ['--known-hosts <file>', "the upstream's host keys, as ssh-keyscan prints them"],
  staleReads: ['--stale-reads', 'serve what the mirror has while the upstream cannot be reached'],
  gitleaksConfig: ['--gitleaks-config <file>', 'a gitleaks configuration that extends the default one'],
} as const

const add = command('add <name>', 'put a repository behind the gate')
  .requiredOption(...OPTIONS.upstream)
  .requiredOption(...OPTIONS.identity)
  .requiredOption(...OPTIONS.knownHosts)
  .option(...OPTIONS.staleReads)
  .option(...OPTIONS.gitleaksConfig)
  .action(async (name: string, options) => {
    const parsed = RepositoryName.safeParse(name)
    if (!parsed.success) throw new UsageComplaint(`"${plain(name)}": ${parsed.error.issues[0]?.message}`)
    const repository = await gate().repositories.add({
      name: parsed.data,
      upstream: options.upstream,
      identity: options.identity,
      knownHosts: readText(options.knownHosts),
      staleReads: options.staleReads === true,
      gitleaksConfig: options.gitleaksConfig ? readText(options.gitleaksConfig) : '',
    })
    answer(options, repository, () => `${repository.name} → ${repository.upstream}`)
    if (!options.json)
      note(
        `Next: git gate doctor ${repository.name}, and git gate agent add AGENT --grant ${repository.name}`,
      )
  })

const set = command('set <name>', 'change settings of a repository; what is not given stays as it is')
  .option(...OPTIONS.upstream)
  .option(...OPTIONS.identity)
  .option(...OPTIONS.knownHosts)
  .option(...OPTIONS.staleReads)
  .option('--no-stale-reads', 'refuse to')
  .option(...OPTIONS.gitleaksConfig)
  .action(async (name: string, { json, ...options }) => {
    if (Object.keys(options).length === 0)
      throw new UsageComplaint('nothing is to be changed', 'Say what: git gate repo set --help')
    const { knownHosts, gitleaksConfig } = options
    const client = gate()
    const { name: known, createdAt: _, ...settings } = await client.repositories.show(name)
    const repository = await client.repositories.update(known, {
      ...settings,
      ...options,
      ...(knownHosts === undefined ? {} : { knownHosts: readText(knownHosts) }),
      ...(gitleaksConfig === undefined ? {} : { gitleaksConfig: readText(gitleaksConfig) }),
    })
    answer({ json }, repository, () => `${repository.name} → ${repository.upstream}`)
    if (!json) note(`Next: git gate doctor ${repository.name}`)
  })

const list = command('list', 'every repository behind the gate').action(async options => {
  const repositories = await gate().repositories.list()
  answer(options, repositories, () =>
    table(
      ['NAME', 'UPSTREAM', 'IDENTITY', 'SINCE'],
      repositories.map(each => [each.name, each.upstream, each.identity, localTime(each.createdAt)]),
    ),
  )
})

const show = command('show <name>', 'one repository, with its grants and its mirror').action(
  async (name: string, options) => {
    const client = gate()
    const repository = await client.repositories.show(name)
    const [grants, { companion, status: now }] = await Promise.all([
      client.grants.list({ repository: repository.name }),
      client.repositories.now(repository.name),
    ])
    answer(options, { ...repository, grants, companion, now }, () =>
      [
        `name          ${repository.name}`,
        `clone         ${client.url}/${repository.name}.git`,
        `upstream      ${repository.upstream}`,
        `identity      ${repository.identity}`,
        `stale reads   ${repository.staleReads ? 'yes' : 'no'}`,
        `since         ${localTime(repository.createdAt)}`,
        `agents        ${grants.map(each => each.agent).join(', ') || 'none'}`,
        `mirror        ${now ? tellMirror(now.mirror) : `unknown: its companion is ${companion}`}`,
        `known hosts   ${repository.knownHosts.trim().split('\n').join('\n              ')}`,
      ]
        .map(plain)
        .join('\n'),
    )
  },
)

function tellMirror({ freshAt, lastRefresh, bytes }: MirrorStatus): string {
  const error = lastRefresh?.error ?? null
  return [
    freshAt === null
      ? 'not refreshed yet'
      : `like the upstream ${localTime(new Date(freshAt).toISOString())}`,
    ...(lastRefresh && error === null ? [`refreshed in ${(lastRefresh.ms / 1000).toFixed(1)} s`] : []),
    ...(error === null ? [] : [`the last refresh failed: ${error}`]),
    ...(bytes === null ? [] : [inBytes(bytes)]),
  ].join(', ')
}

const remove = command(
  'remove <name>',
  'take a repository off the gate, with its grants and exceptions',
).action(async (name: string, options) => {
  const removed = await gate().repositories.remove(name)
  answer(options, removed, () => `removed ${removed.name}; its upstream is as it was`)
})

export const repo = group('repo', 'repositories behind the gate', add, set, list, show, remove)
