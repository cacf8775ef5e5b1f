import { HOST_CALL_PATH } from '../contract/hosts/host-call.ts'
import { RepositoryName } from '../contract/names.ts'

/** The paths of the Git LFS API below a repository. */
const LFS = /\/info\/lfs(\/.*)?$/

const SERVICES = ['/info/refs', '/git-upload-pack', '/git-receive-pack'] as const

/** The percent-encoding of the characters of a name. */
const PLAIN = /%(?:2[BDE]|3\d|4[1-9A-F]|5[0-9A]|5F|6[1-9A-F]|7[0-9A]|7E)/gi

export type RepositoryPath = { ok: true; name: RepositoryName } | { ok: false; reason: string }

/**
 * Parses the repository's name from a request's path: `/<name>` or `/<name>.git`, then the service. A
 * character that needs no percent-encoding may have it (RFC 3986, 2.3). Rejects any other, double slashes and
 * dot segments, since git's own tools would read them as aliases of a name.
 */
export function readPath(request: Request): RepositoryPath {
  const pathname = new URL(request.url).pathname.replaceAll(PLAIN, code => decodeURIComponent(code))
  const [code] = /%(..)?/.exec(pathname) ?? []
  if (code !== undefined)
    return {
      ok: false,
      reason: `no such repository: a name has letters, digits and . _ ~ + - only, and the URL has ${code}`,
    }
  const service = LFS.exec(pathname)?.[0] ?? SERVICES.find(ending => pathname.endsWith(ending)) ?? ''
  const spelled = pathname.slice(1, pathname.length - service.length).replace(/\.git$/, '')
  const name = RepositoryName.safeParse(spelled)
  return name.success
    ? { ok: true, name: name.data }
    : { ok: false, reason: `no such repository: ${name.error.issues[0]?.message}` }
}

/** The first segment of a host's API. */
const API = /\/api\/(?=graphql$|v[134]\/)/

/** Parses the repository's name from the path of a host call: `/-/forge/<name>/api/…`. */
export function readHostCallPath(request: Request): RepositoryPath {
  const [spelled = '', rest] = new URL(request.url).pathname.slice(HOST_CALL_PATH.length).split(API, 2)
  if (rest === undefined)
    return { ok: false, reason: `the path of a host call is ${HOST_CALL_PATH}REPOSITORY/api/…` }
  const name = RepositoryName.safeParse(spelled)
  return name.success
    ? { ok: true, name: name.data }
    : { ok: false, reason: `no such repository: ${name.error.issues[0]?.message}` }
}

/** Returns the path of a host call at its host: `/api/…`. */
export const hostCallPath = (pathname: string): string => pathname.slice(pathname.search(API))
