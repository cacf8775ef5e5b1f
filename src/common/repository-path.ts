import { RepositoryName } from '../contract/names.ts'

const SERVICES = ['/info/refs', '/git-upload-pack', '/git-receive-pack'] as const

export type RepositoryPath = { ok: true; name: RepositoryName } | { ok: false; why: string }

/**
 * Parses the repository's name from a request's path: `/<name>` or `/<name>.git`, then the service. Rejects
 * percent-encoding, double slashes and dot segments, since git's own tools would read them as aliases of a
 * name.
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
