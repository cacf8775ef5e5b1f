import type { WebLinks } from '../../contract/hosts/web-links.ts'
import type { RefResult } from '../../contract/outcome.ts'

/** Links to a pushed branch or tag at the upstream's host, and to the branch's pull requests. */
export const HostLinks = ({ of: { ref }, links }: { of: RefResult; links: WebLinks }) => {
  const [, kind, name = ''] = /^refs\/(heads|tags)\/(.+)$/s.exec(ref) ?? []
  if (kind === undefined) return null
  const pages =
    kind === 'tags'
      ? [['tag', links.tag(name)] as const]
      : [['branch', links.branch(name)] as const, ['pull requests', links.pullRequests(name)] as const]
  return (
    <span class="host-links small">
      {pages.map(([label, href]) => (
        <>
          {' '}
          <a href={href} rel="noreferrer">
            {label}
          </a>
        </>
      ))}
    </span>
  )
}
