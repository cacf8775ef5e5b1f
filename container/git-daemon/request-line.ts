import { RepositoryName } from '../../src/contract/names.ts'
import { gitProtocol } from '../git/protocol-version.ts'

/** Request in the first packet of a `git://` connection. */
export type GitRequest =
  | {
      ok: true
      service: 'git-upload-pack' | 'git-receive-pack'
      repository: RepositoryName
      protocol: string | undefined
    }
  | { ok: false; reason: string }

/** Limit of the first packet, in bytes; git daemon has the same limit. */
export const MAX_REQUEST_LINE = 1000

/** Parses `git-receive-pack /name.git\0host=…\0\0version=2\0` (gitprotocol-pack(5), "Git Transport"). */
export function readRequestLine(payload: Buffer): GitRequest {
  const [command = '', ...parameters] = payload.toString('utf8').split('\0')
  const [, service, path = ''] = /^(git-upload-pack|git-receive-pack) \/?([^\n]*)\n?$/.exec(command) ?? []
  if (service !== 'git-upload-pack' && service !== 'git-receive-pack')
    return { ok: false, reason: 'only fetches and pushes are served here' }
  const name = RepositoryName.safeParse(path.replace(/\.git$/, ''))
  if (!name.success) return { ok: false, reason: `no such repository: ${name.error.issues[0]?.message}` }
  const more = parameters.indexOf('')
  const version = more < 0 ? undefined : parameters.slice(more).find(each => each.startsWith('version='))
  return { ok: true, service, repository: name.data, protocol: gitProtocol(version) }
}
