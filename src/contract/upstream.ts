import { isLoopback } from './credential.ts'

/** The address of an upstream, parsed from its URL. */
export interface UpstreamAddress {
  readonly transport: 'ssh' | 'https'
  readonly user: string | undefined
  readonly host: string
  /** Undefined: the transport's default port. */
  readonly port: number | undefined
  /** The path at the host, with the leading slash of a URL. Over HTTPS as in the URL. */
  readonly path: string
}

const SSH_URL = /^ssh:\/\/(?:([^@/]*)@)?(\[[^\]/]*\]|[^:/@]*)(?::([^/]*))?(\/.*)$/
const SCP_LIKE = /^([^@/:]+)@(\[[^\]/]*\]|[^:/@[\]]+):(.+)$/
const USER = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/
const HOST = /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/
const IPV6 = /^\[[0-9A-Fa-f:.]{2,45}\]$/
/** Azure DevOps writes a space in a project's name as %20. */
const HTTP_PATH = /^(?:[A-Za-z0-9._~/+@=,:-]|%20)+$/

/**
 * Parses an upstream's URL, or returns why the gate rejects it. Accepts SSH, in the two forms of
 * git-fetch(1), "GIT URLS", and HTTPS. Rejects options of ssh and git's transport helpers (`ext::`). A path may
 * hold what it likes: git and the gate quote it for the host's shell.
 */
export function parseUpstream(
  url: string,
): { ok: true; address: UpstreamAddress } | { ok: false; reason: string } {
  const invalid = (reason: string) => ({ ok: false as const, reason })
  if (INVISIBLE.test(url)) return invalid('it has a newline or another invisible character')
  if (url.length > 1024) return invalid('it is longer than 1024 characters')
  if (url.startsWith('-')) return invalid('it starts with "-", as an option does')
  if (isHttps(url)) return parseHttps(url)
  if (url.includes('::')) {
    if (!/^(ssh:\/\/|[^:]*@)[^/]*\[/.test(url)) return invalid('it names a transport helper (…::…)')
  }
  if (/^(git|ftps?|file):\/\//i.test(url)) return invalid('only SSH and HTTPS upstreams are supported')
  const [, user, host, port, rawPath] = SSH_URL.exec(url) ?? scpLike(url) ?? []
  if (host === undefined || rawPath === undefined)
    return invalid('it is neither ssh://[user@]host[:port]/path, user@host:path nor https://host[:port]/path')
  if (user?.includes(':')) return invalid('it carries a password')
  if (user !== undefined && !USER.test(user)) return invalid(`"${user}" is not a valid SSH user name`)
  if (!HOST.test(host) && !IPV6.test(host)) return invalid(`"${host}" is not a host name or address`)
  if (port !== undefined && !(/^[1-9][0-9]{0,4}$/.test(port) && Number(port) <= 65535))
    return invalid(`"${port}" is not a port`)
  const path = url.startsWith('ssh://') ? decodePath(rawPath) : rawPath
  if (path === undefined) return invalid('the percent-encoding in its path is not UTF-8')
  if (path.startsWith('-') || path.replace(/^\//, '') === '') return invalid('it has no path of a repository')
  if (INVISIBLE.test(path) || path.includes('\\'))
    return invalid('its path has an invisible character or "\\"')
  if (path.split('/').some(part => part === '..' || part === '.')) return invalid('its path has "." or ".."')
  return {
    ok: true,
    address: {
      transport: 'ssh',
      user,
      host: host.replace(/^\[|\]$/g, ''),
      port: port === undefined ? undefined : Number(port),
      path,
    },
  }
}

/** Invisible characters, and every space but the plain one. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\ufffd]|(?! )\p{Zs}/u

/**
 * Decodes the path of an ssh:// URL as git does (url_decode in url.c). The path of `user@host:path` has no
 * percent-encoding. Returns undefined if the bytes are no UTF-8.
 */
export function decodePath(path: string): string | undefined {
  try {
    return path.replaceAll(/(?:%[0-9a-f]{2})+/gi, bytes => decodeURIComponent(bytes))
  } catch {
    return undefined
  }
}

/** Returns whether an upstream's URL leads over HTTPS. */
export const isHttps = (url: string): boolean => /^https?:/i.test(url)

const HTTPS_URL = /^(https?):\/\/([^/]*)(\/.*)?$/

function parseHttps(url: string): { ok: true; address: UpstreamAddress } | { ok: false; reason: string } {
  const no = (reason: string) => ({ ok: false as const, reason })
  const [, scheme, authority = '', path = ''] = HTTPS_URL.exec(url) ?? []
  if (scheme === undefined) return no('it is not https://host[:port]/path, in lower case up to the host')
  if (authority.includes('@')) return no('it carries a user name or password; a credential has them')
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(authority) ?? []
  if (!HOST.test(host) && !IPV6.test(host)) return no(`"${host}" is not a host name or address`)
  if (port !== undefined && !(/^[1-9][0-9]{0,4}$/.test(port) && Number(port) <= 65535))
    return no(`"${port}" is not a port`)
  if (scheme === 'http' && !isLoopback(host))
    return no(
      'http:// sends the credential unencrypted; use https:// (http:// is allowed only for this machine)',
    )
  if (path.replaceAll('/', '') === '') return no('it has no path of a repository')
  if (!HTTP_PATH.test(path) || path.includes('//'))
    return no('its path may have only letters, digits and . _ ~ / + @ = , : - %20')
  if (path.split('/').some(part => part === '..' || part === '.')) return no('its path has "." or ".."')
  return {
    ok: true,
    address: {
      transport: 'https',
      user: undefined,
      host: host.replace(/^\[|\]$/g, ''),
      port: port === undefined ? undefined : Number(port),
      path,
    },
  }
}

function scpLike(url: string): (string | undefined)[] | undefined {
  if (url.includes('://')) return undefined
  const [whole, user, host, path] = SCP_LIKE.exec(url) ?? []
  return whole === undefined ? undefined : [whole, user, host, undefined, path]
}
