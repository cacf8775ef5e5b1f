import { isNullId } from '../../contract/names.ts'
import { escapeInvisible } from '../../contract/text/invisible-characters.ts'

/** Text from an agent or a push. Invisible characters are escaped, and its direction is isolated. */
export const UntrustedText = ({ text, mono = false }: { text: string; mono?: boolean }) =>
  mono ? (
    <bdi>
      <code>{escapeInvisible(text)}</code>
    </bdi>
  ) : (
    <bdi>{escapeInvisible(text)}</bdi>
  )

/** A short ref name, with the full name as its tooltip. */
export const RefName = ({ name }: { name: string }) => (
  <bdi class="ref" title={escapeInvisible(name)}>
    <code>{escapeInvisible(shortRefName(name))}</code>
  </bdi>
)

/** Returns the name of a branch, or `tag NAME`; the full name where the short name would be ambiguous. */
function shortRefName(name: string): string {
  const [, kind, rest = ''] = /^refs\/(heads|tags)\/(.*)$/s.exec(name) ?? []
  if (kind === undefined || rest.startsWith('refs/')) return name
  return kind === 'tags' ? `tag ${rest}` : rest
}

/** An abbreviated object id, with the full id as its tooltip; with `href`, a link to its page. */
export const ObjectId = ({ id, href }: { id: string; href?: string | undefined }) => {
  if (isNullId(id) || id === '') return <span class="muted">none</span>
  const short = <code title={escapeInvisible(id)}>{escapeInvisible(id.slice(0, 8))}</code>
  return href === undefined ? (
    short
  ) : (
    <a href={href} rel="noreferrer">
      {short}
    </a>
  )
}

/** Untrusted lines of text as a block. */
export const TextBlock = ({ lines }: { lines: readonly string[] }) => (
  <pre class="text-block">
    {lines.map(
      line => `${escapeInvisible(line)}
`,
    )}
  </pre>
)
