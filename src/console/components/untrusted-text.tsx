import { visible } from '../../contract/invisible-characters.ts'
import { ZERO_ID } from '../../contract/names.ts'

/** A name that an agent or its push gave: text only, and of its own direction. */
export const Given = ({ text, mono = false }: { text: string; mono?: boolean }) =>
  mono ? (
    <bdi>
      <code>{visible(text)}</code>
    </bdi>
  ) : (
    <bdi>{visible(text)}</bdi>
  )

/** A ref by the name people call it; the full name is at hand. */
export const RefName = ({ name }: { name: string }) => (
  <bdi class="ref" title={visible(name)}>
    <code>{visible(called(name))}</code>
  </bdi>
)

/** A branch by its name, a tag by its own; in full where that could be taken for another ref. */
function called(name: string): string {
  const [, kind, rest = ''] = /^refs\/(heads|tags)\/(.*)$/s.exec(name) ?? []
  if (kind === undefined || rest.startsWith('refs/')) return name
  return kind === 'tags' ? `tag ${rest}` : rest
}

/** An object id in short; the whole one is at hand. */
export const ObjectId = ({ id }: { id: string }) =>
  id === ZERO_ID || id === '' ? (
    <span class="quiet">none</span>
  ) : (
    <code title={visible(id)}>{visible(id.slice(0, 8))}</code>
  )

/** A block of lines as they were said. */
export const Said = ({ lines }: { lines: readonly string[] }) => (
  <pre class="said">
    {lines.map(
      line => `${visible(line)}
`,
    )}
  </pre>
)
