import { RepositoryName } from '../contract/names.ts'

const SERVICES = ['/info/refs', '/git-upload-pack', '/git-receive-pack'] as const

export type RepositoryPath = { ok: true; name: RepositoryName } | { ok: false; why: string }

/**
 * The repository that a request's path names, in its one canonical spelling: `/<name>` or `/<name>.git`, then the
 * service. Anything encoded, doubled or dotted is no name: git's own tools would take it for an alias.
 */
export function readPath(request: Request): RepositoryPath {
  const { pathname } = new URL(request.url)
  if (pathname.includes('%'))
    return { ok: false, why: 'repository names are written without percent-encoding' }
  const service = SERVICES.find(ending => pathname.endsWith(ending)) ?? ''
  const spelled = pathname.slice(1, pathname.length - service.length).replace(/\.git$/, '')
  const name = RepositoryName.safeParse(spelled)
  return name.success
    ? { ok: true, name: name.data }
    : { ok: false, why: `no such repository: ${name.error.issues[0]?.message}` }
}
