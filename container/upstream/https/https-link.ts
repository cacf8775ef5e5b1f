import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Upstream } from '../../../src/contract/companion-api/pass.ts'
import { spawnGroup } from '../../process/spawn.ts'
import type { Link, SharedLink } from '../link.ts'
import { answerCredential } from './credential-channel.ts'
import type { Credentials } from './credentials.ts'

/** The dependencies of the HTTPS links. */
export interface HttpsDependencies {
  readonly credentials: Credentials
  /** The folder of the certificates. */
  readonly authorities: string
  /** The environment of every git process (git.ts). */
  readonly gitEnv: Readonly<Record<string, string>>
}

/**
 * Opens the links over HTTPS. Git makes a connection for each process. It gets the credential on descriptor 4, by
 * the helper in git's configuration (git-config.ts), which also refuses redirects.
 */
export async function openHttpsLink(
  dependencies: HttpsDependencies,
  key: string,
  { proxy, ca }: Upstream,
): Promise<SharedLink> {
  const { authorities } = dependencies
  const file = join(authorities, `${key}.pem`)
  const settings: [string, string][] = proxy ? [['http.proxy', proxy]] : []
  if (ca.trim()) {
    await mkdir(authorities, { recursive: true, mode: 0o700 })
    await writeFile(file, ca, { mode: 0o600 })
    settings.push(['http.sslCAInfo', file])
  }
  const env = configEnvironment(settings)
  return { for: upstream => httpsLink(dependencies, upstream, env), close() {} }
}

function httpsLink(
  { credentials, gitEnv }: HttpsDependencies,
  upstream: Upstream,
  env: Record<string, string>,
): Link {
  return {
    async connect(signal) {
      await credentials.tokenFor(upstream, signal)
    },
    async acquire(signal) {
      const token = await credentials.tokenFor(upstream, signal)
      const onFd4 = (socket: Duplex) => answerCredential(socket, upstream.url, token, credentials.refused)
      return {
        git: { env, onFd4 },
        startUploadPack({ url }, signal) {
          const child = spawnGroup('git', ['remote-https', url, url], {
            signal,
            cwd: '/',
            // Of no repository, so that no repository's configuration is read.
            env: { ...gitEnv, ...env, GIT_DIR: '/dev/null' },
            stdio: ['pipe', 'pipe', 'pipe', 'ignore', 'pipe'],
          })
          onFd4(child.stdio[4] as Duplex)
          return { child, isHelper: true }
        },
        release() {},
      }
    },
  }
}

/** Returns the environment that adds settings to git's configuration (git-config(1), GIT_CONFIG_COUNT). */
const configEnvironment = (settings: readonly [string, string][]): Record<string, string> =>
  Object.fromEntries([
    ['GIT_CONFIG_COUNT', String(settings.length)],
    ...settings.flatMap(([name, value], i) => [
      [`GIT_CONFIG_KEY_${i}`, name],
      [`GIT_CONFIG_VALUE_${i}`, value],
    ]),
  ])
