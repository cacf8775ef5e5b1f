import type { Repository } from '../src/contract/admin-api/repositories.ts'
import { hostClientOf } from '../src/contract/hosts/host-client.ts'
import { CliError } from './errors.ts'

/**
 * Returns the lines for a shell with which gh, glab or a client of Gitea's API asks the gate for a repository. Throws a
 * CliError if the gate does not know the API of its host.
 */
export function hostEnvironment(gateUrl: string, repository: Repository, token: string): string {
  const { name, upstream, forge, apiUrl } = repository
  const client = hostClientOf(gateUrl, { name, url: upstream, forge, apiUrl })
  if (!client)
    throw new CliError(
      `the gate does not know the API of ${name}'s host`,
      `Set its kind: git gate repo set ${name} --forge github|gitlab|gitea`,
    )
  return [
    `# ${client.name} in ${name}`,
    ...Object.entries({ ...client.variables, [client.tokenVariable]: token }).map(
      ([variable, value]) => `export ${variable}=${quoted(value)}`,
    ),
    ...(HINTS[client.name] ?? []),
    ...(gateUrl.startsWith('https:') ? [] : (OVER_HTTP[client.name] ?? [])),
  ].join('\n')
}

const HINTS: Readonly<Record<string, readonly string[]>> = {
  glab: [
    '# for glab mr create, which only reads it:',
    '# git remote add gitlab "https://$GITLAB_API_HOST/$GITLAB_REPO.git"',
  ],
}

/** gh and glab ask over https, unless they are told otherwise. */
const OVER_HTTP: Readonly<Record<string, readonly string[]>> = {
  gh: [
    '# gh asks over https, or over a socket of this gate:',
    '# gh config set http_unix_socket GATE_HOME/gate.sock',
  ],
  glab: ['# glab config set api_protocol http --host "$GITLAB_HOST"'],
}

const quoted = (text: string) => (/^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)
