import fs from 'node:fs'
import path from 'node:path'
import { Command } from 'commander'
import { RepositoryName } from '../src/contract/names.ts'

/** The operator's own repository, from the command line. */
export interface WantedUpstream {
  readonly name: RepositoryName
  readonly url: string
  readonly privateKey: string
  readonly knownHosts: string
}

export type Wanted =
  | { readonly kind: 'demo' }
  | { readonly kind: 'gate alone' }
  | { readonly kind: 'upstream'; readonly upstream: WantedUpstream; readonly withAgent: boolean }
  | { readonly kind: 'help' }
  | { readonly kind: 'invalid'; readonly reason: string }

export const usage = `npm start                    the gate with a demo: an upstream, a repository and an agent
npm start -- --upstream URL --identity FILE --known-hosts FILE [--name NAME]
                             the gate in front of a repository of your own
npm start -- --no-demo       the gate with the repositories and agents of its ledger only

  --upstream URL      where pushes go, over SSH: ssh://git@host/path.git or git@host:path.git
  --identity FILE     the private key that may push there, without a passphrase
  --known-hosts FILE  the host's key, for example from: ssh-keyscan HOST
  --name NAME         the repository's name behind the gate (from the URL)
  --no-demo           create no demo repository and no agent demo-agent

In an empty ledger the first start creates the agent demo-agent, which may push to its own branches (in the demo: to
every branch). An agent, grant or token that was removed is not created again.

Environment: PORT (8787), COMPANION_PORT (9420), GATE_HOME (.git-gate), and the GATE_… settings of docs/settings.md.
`

interface Options {
  readonly upstream?: string
  readonly identity?: string
  readonly knownHosts?: string
  readonly name?: string
  /** False with --no-demo. */
  readonly demo: boolean
  readonly help?: true
}

/** Parses the command line. Relative paths start at `from`, the folder where npm was called. */
export function readArguments(args: readonly string[], from: string): Wanted {
  const invalid = (reason: string): Wanted => ({ kind: 'invalid', reason })
  const command = new Command()
    .exitOverride()
    .configureOutput({ writeOut: () => {}, writeErr: () => {} })
    .helpOption(false)
    .showSuggestionAfterError(false)
    .allowExcessArguments(false)
    .option('--upstream <url>')
    .option('--identity <file>')
    .option('--known-hosts <file>')
    .option('--name <name>')
    .option('--no-demo')
    .option('-h, --help')
  try {
    command.parse(args, { from: 'user' })
  } catch (error) {
    return invalid(error instanceof Error ? error.message.replace(/^error: /, '') : String(error))
  }
  const { help, demo, upstream: url, identity, knownHosts, name: wantedName } = command.opts<Options>()
  if (help) return { kind: 'help' }
  if (url === undefined) {
    const alone = Object.entries({ identity, 'known-hosts': knownHosts, name: wantedName }).find(
      ([, value]) => value !== undefined,
    )
    return alone === undefined
      ? { kind: demo ? 'demo' : 'gate alone' }
      : invalid(`--${alone[0]} needs --upstream URL`)
  }
  if (!identity) return invalid('--upstream needs --identity FILE, the private key that may push there')
  if (!knownHosts)
    return invalid("--upstream needs --known-hosts FILE, with the host's key (see ssh-keyscan)")
  const name = RepositoryName.safeParse(wantedName ?? nameFrom(url))
  if (!name.success)
    return invalid(
      wantedName === undefined
        ? `the repository's name cannot be derived from ${url}; give --name NAME`
        : `--name ${wantedName}: ${name.error.issues[0]?.message}`,
    )
  const files = [
    ['--identity', identity],
    ['--known-hosts', knownHosts],
  ] as const
  const texts: string[] = []
  for (const [option, file] of files) {
    try {
      texts.push(fs.readFileSync(path.resolve(from, file), 'utf8'))
    } catch {
      return invalid(`${option} ${file}: this file cannot be read`)
    }
  }
  const [privateKey = '', hosts = ''] = texts
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(privateKey))
    return invalid(`--identity ${identity}: this is not a private key`)
  if (!hosts.trim()) return invalid(`--known-hosts ${knownHosts}: this file is empty`)
  const upstream = { name: name.data, url, privateKey, knownHosts: hosts }
  return { kind: 'upstream', upstream, withAgent: demo }
}

/**
 * Derives a repository name from a URL: `github.com/acme/app` from `git@github.com:acme/app.git`. Leaves out
 * the host if it is an IP address or localhost.
 */
function nameFrom(url: string): string | undefined {
  const [, host, rest] =
    /^ssh:\/\/(?:[^@/]*@)?(\[[^\]]*\]|[^:/]*)(?::\d+)?\/(.+)$/.exec(url) ??
    /^(?:[^@/:]+@)?([^:/]+):(.+)$/.exec(url) ??
    []
  if (!host || !rest) return undefined
  const parts = rest
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .split('/')
    .filter(part => part && part !== '~')
  const isNamed = /[a-z]/i.test(host) && host !== 'localhost' && !host.startsWith('[')
  return isNamed && parts.length < 20 ? [host, ...parts].join('/') : parts.at(-1)
}
