import { Option } from 'commander'
import type { MirrorStatus } from '../../src/contract/companion-api/status.ts'
import { ForgeKind, forgeOf } from '../../src/contract/hosts/forge.ts'
import { RepositoryName } from '../../src/contract/names.ts'
import { formatBytes } from '../../src/contract/text/format-bytes.ts'
import { isHttps } from '../../src/contract/upstream.ts'
import { UsageError } from '../errors.ts'
import { readText } from '../options/read-text.ts'
import { localTime, printNote, printResult, stripControl, table } from '../output.ts'
import { command, gate, group, removal } from './context.ts'

/** The options of `repo add` and `repo set`. */
const OPTIONS = {
  upstream: [
    '--upstream <url>',
    'URL of the upstream: ssh://git@host[:port]/path, git@host:path or https://host/path',
  ],
  identity: ['--identity <name>', 'SSH key for an SSH upstream (git gate identity new)'],
  knownHosts: [
    '--known-hosts <file>',
    "file with an SSH upstream's host keys, as ssh-keyscan prints them; not needed for github.com, gitlab.com, codeberg.org and bitbucket.org",
  ],
  credential: [
    '--credential <name>',
    "credential for an HTTPS upstream, and for the host's API (git gate credential set)",
  ],
  ca: ['--ca <file>', "certificates (PEM) of the authorities to trust over HTTPS, instead of the system's"],
  proxy: ['--proxy <url>', 'proxy for HTTPS, http://host:port; an empty text: none'],
  forge: [
    '--forge <kind>',
    'kind of the host, by its API: github, gitlab or gitea; not needed for github.com, gitlab.com, gitea.com and codeberg.org',
  ],
  apiUrl: ['--api-url <url>', "base URL of the host's API; without it the usual one of the upstream's host"],
  webUrl: [
    '--web-url <url>',
    "URL of the repository's page at its host, for links; not needed for github.com, gitlab.com, gitea.com and codeberg.org",
  ],
  staleReads: ['--stale-reads', 'serve stale reads from the mirror while the upstream is unreachable'],
  readRefs: [
    '--read-refs <pattern...>',
    'refs that agents can read beside branches, tags and notes, such as refs/pull/*/head',
  ],
  gitleaksConfig: [
    '--gitleaks-config <file>',
    'gitleaks configuration that extends the default configuration',
  ],
} as const

const forge = () => new Option(...OPTIONS.forge).choices(ForgeKind.options)

const add = command('add <name>', 'add a repository')
  .requiredOption(...OPTIONS.upstream)
  .option(...OPTIONS.identity)
  .option(...OPTIONS.knownHosts)
  .option(...OPTIONS.credential)
  .option(...OPTIONS.ca)
  .option(...OPTIONS.proxy)
  .addOption(forge())
  .option(...OPTIONS.apiUrl)
  .option(...OPTIONS.webUrl)
  .option(...OPTIONS.staleReads)
  .option(...OPTIONS.readRefs)
  .option(...OPTIONS.gitleaksConfig)
  .action(async (name: string, options) => {
    const parsed = RepositoryName.safeParse(name)
    if (!parsed.success) throw new UsageError(`"${stripControl(name)}": ${parsed.error.issues[0]?.message}`)
    const repository = await gate().repositories.add({
      name: parsed.data,
      upstream: options.upstream,
      identity: options.identity ?? null,
      knownHosts: options.knownHosts ? readText(options.knownHosts) : '',
      credential: options.credential ?? null,
      ca: options.ca ? readText(options.ca) : '',
      proxy: options.proxy ?? '',
      forge: options.forge ?? null,
      apiUrl: options.apiUrl ?? '',
      webUrl: options.webUrl ?? '',
      staleReads: options.staleReads === true,
      readRefs: options.readRefs ?? [],
      gitleaksConfig: options.gitleaksConfig ? readText(options.gitleaksConfig) : '',
    })
    printResult(options, repository, () => `${repository.name} → ${repository.upstream}`)
    if (!options.json)
      printNote(
        `Next: git gate doctor ${repository.name}, and git gate agent add AGENT --grant ${repository.name}`,
      )
  })

const set = command('set <name>', 'change the given settings of a repository')
  .option(...OPTIONS.upstream)
  .option(...OPTIONS.identity)
  .option(...OPTIONS.knownHosts)
  .option(...OPTIONS.credential)
  .option(...OPTIONS.ca)
  .option(...OPTIONS.proxy)
  .addOption(forge())
  .option('--no-forge', 'guess the kind of the host from its name')
  .option(...OPTIONS.apiUrl)
  .option(...OPTIONS.webUrl)
  .option(...OPTIONS.staleReads)
  .option('--no-stale-reads', 'do not serve stale reads')
  .option(...OPTIONS.readRefs)
  .option('--no-read-refs', 'serve branches, tags and notes only')
  .option(...OPTIONS.gitleaksConfig)
  .action(async (name: string, { json, ...options }) => {
    if (Object.keys(options).length === 0)
      throw new UsageError('no setting is given', 'See the options: git gate repo set --help')
    const { knownHosts, ca, readRefs, gitleaksConfig } = options
    const client = gate()
    const { name: known, createdAt: _, ...settings } = await client.repositories.show(name)
    const repository = await client.repositories.update(known, {
      ...settings,
      // A repository that changes over to HTTPS leaves its SSH settings behind.
      ...(isHttps(options.upstream ?? settings.upstream) ? { identity: null, knownHosts: '' } : {}),
      ...options,
      ...(readRefs === undefined ? {} : { readRefs: readRefs || [] }),
      ...(options.forge === false ? { forge: null } : {}),
      ...(knownHosts === undefined ? {} : { knownHosts: readText(knownHosts) }),
      ...(ca === undefined ? {} : { ca: ca && readText(ca) }),
      ...(gitleaksConfig === undefined ? {} : { gitleaksConfig: readText(gitleaksConfig) }),
    })
    printResult({ json }, repository, () => `${repository.name} → ${repository.upstream}`)
    if (!json) printNote(`Next: git gate doctor ${repository.name}`)
  })

const list = command('list', 'list repositories').action(async options => {
  const repositories = await gate().repositories.list()
  printResult(options, repositories, () =>
    table(
      'no repositories',
      ['NAME', 'UPSTREAM', 'IDENTITY', 'CREDENTIAL', 'SINCE'],
      repositories.map(({ name, upstream, identity, credential, createdAt }) => [
        name,
        upstream,
        identity ?? '-',
        credential ?? '-',
        localTime(createdAt),
      ]),
    ),
  )
})

const show = command('show <name>', 'show a repository with its grants and its mirror').action(
  async (name: string, options) => {
    const client = gate()
    const repository = await client.repositories.show(name)
    const host = forgeOf({ ...repository, url: repository.upstream })
    const [grants, { companion, status }] = await Promise.all([
      client.grants.list({ repository: repository.name }),
      client.repositories.status(repository.name),
    ])
    printResult(options, { ...repository, grants, companion, status }, () =>
      [
        `name          ${repository.name}`,
        `clone         ${client.url}/${repository.name}.git`,
        `upstream      ${repository.upstream}`,
        `identity      ${repository.identity ?? 'none'}`,
        `credential    ${repository.credential ?? 'none'}`,
        ...(host ? [`host API      ${host.kind}, ${host.apiUrl}, project ${host.project}`] : []),
        ...(repository.proxy ? [`proxy         ${repository.proxy}`] : []),
        ...(repository.ca ? ['authorities   of its own'] : []),
        `stale reads   ${repository.staleReads ? 'yes' : 'no'}`,
        `read refs     ${['branches, tags, notes', ...repository.readRefs].join(', ')}`,
        `since         ${localTime(repository.createdAt)}`,
        `agents        ${grants.map(({ agent }) => agent).join(', ') || 'none'}`,
        `mirror        ${status ? formatMirror(status.mirror) : `unknown: the companion is ${companion}`}`,
        ...(repository.knownHosts.trim()
          ? [`known hosts   ${repository.knownHosts.trim().split('\n').join('\n              ')}`]
          : []),
      ]
        .map(stripControl)
        .join('\n'),
    )
  },
)

function formatMirror({ freshAt, lastRefresh, bytes }: MirrorStatus): string {
  const error = lastRefresh?.error ?? null
  return [
    freshAt === null ? 'not refreshed yet' : `up to date as of ${localTime(new Date(freshAt).toISOString())}`,
    ...(lastRefresh && error === null ? [`refreshed in ${(lastRefresh.ms / 1000).toFixed(1)} s`] : []),
    ...(error === null ? [] : [`last refresh failed: ${error}`]),
    ...(bytes === null ? [] : [formatBytes(bytes)]),
  ].join(', ')
}

const remove = removal('remove <name>', 'remove a repository with its grants and exceptions').action(
  async (name: string, options) => {
    const removed = await gate().repositories.remove(name)
    printResult(options, removed, () => `removed ${removed.name}; its upstream is unchanged`)
  },
)

export const repo = group('repo', 'manage repositories', add, set, list, show, remove)
