import { decodePath } from '../../../src/contract/upstream.ts'
import { UpstreamError } from '../upstream-error.ts'

/**
 * Splits an SSH URL in either form into ssh's destination and the path there (git-fetch(1), "GIT URLS").
 * Throws UpstreamError on any other URL.
 */
export function parseSshUrl(url: string): { host: string; path: string } {
  const [, fullHost, fullPath] = /^ssh:\/\/([^/]+)(\/.*)$/s.exec(url) ?? []
  if (fullHost && fullPath) {
    const path = decodePath(fullPath) ?? fullPath
    return { host: `ssh://${fullHost}`, path: path.replace(/^\/~/, '~') }
  }
  const [, user = '', address, name, path] = /^([^@/:[]+@)?(?:\[([^\]/]+)\]|([^/:[]+)):(.+)$/s.exec(url) ?? []
  const host = address ?? name
  if (host && path) return { host: `${user}${host}`, path }
  throw new UpstreamError("the upstream's address is no SSH URL", {
    fix: 'set it with: git gate repo set NAME --upstream URL',
  })
}
