import type { Child } from 'hono/jsx'
import type { ChangedFile, Changes } from '../../contract/companion-api/push-diff.ts'
import { escapeInvisible } from '../../contract/text/invisible-characters.ts'
import { plural } from '../../contract/text/plural.ts'
import { UntrustedText } from '../components/untrusted-text.tsx'
import type { createHighlighter, Piece, TextKind } from './highlight.ts'
import { type DiffLine, type FileDiff, parseDiff } from './parse-diff.ts'

interface Props {
  readonly changes: Changes
  /** Tells the refs of a page apart. */
  readonly prefix: string
  /** Returns the page with the diff of one file alone. */
  readonly pathOfFile: (path: string) => string
  /** Of the page, whose files share its limits. */
  readonly highlight: ReturnType<typeof createHighlighter>
}

/** The files that a push changes, with links to their diffs, and the diffs themselves as far as they are shown. */
export const FileDiffs = ({ changes, prefix, pathOfFile, highlight }: Props) => {
  const { files, hasMoreFiles, diff } = changes
  const shown = diff ? parseDiff(diff.text) : []
  const isPart = shown.length < files.length && shown.length > 0
  // git lists files and diffs in the same order; the diff of one file has only that.
  const indexOf = (file: ChangedFile, index: number) =>
    shown[index]?.path === file.path ? index : shown.findIndex(({ path }) => path === file.path)
  return (
    <>
      <h3>
        {plural(files.length, 'file')}
        {hasMoreFiles && ' and more'}
      </h3>
      <ul class="files">
        {files.map((file, index) => {
          const position = indexOf(file, index)
          return (
            <li>
              <a href={position >= 0 ? `#${prefix}-${position}` : diff ? pathOfFile(file.path) : undefined}>
                <FileName file={file} />
              </a>{' '}
              <LineCounts file={file} />
            </li>
          )
        })}
      </ul>
      {shown.map((file, index) => (
        <FileSection file={file} id={`${prefix}-${index}`} pieces={highlight(file)} />
      ))}
      {diff?.truncated && (
        <p class="muted">
          The rest is not shown.
          {isPart && ' Choose a file in the list to see its diff.'}
        </p>
      )}
      {!diff && files.length > 0 && (
        <p class="muted">
          The text is not shown: the gate has not scanned all of it, or a secret in it is encoded, so that it
          could not be redacted.
        </p>
      )}
    </>
  )
}

const FileName = ({ file: { path, from } }: { file: ChangedFile }) => (
  <>
    {from !== null && (
      <>
        <UntrustedText text={from} mono /> →{' '}
      </>
    )}
    <UntrustedText text={path} mono />
  </>
)

const LineCounts = ({ file: { added, removed } }: { file: ChangedFile }) =>
  added === null || removed === null ? (
    <span class="muted">binary</span>
  ) : (
    <span class="muted">
      +{added} −{removed}
    </span>
  )

const FileSection = ({
  file: { path, lines },
  id,
  pieces,
}: {
  file: FileDiff
  id: string
  pieces: ReadonlyMap<DiffLine, Piece[]> | undefined
}) => (
  <details class="file-diff" id={id} open>
    <summary>
      <UntrustedText text={path} mono />
    </summary>
    <pre class="diff">
      {lines
        .filter(({ kind }) => kind !== 'header')
        .map(line => (
          <Line line={line} pieces={pieces?.get(line)} />
        ))}
    </pre>
  </details>
)

const Line = ({
  line: { kind, number, text },
  pieces,
}: {
  line: DiffLine
  pieces: readonly Piece[] | undefined
}) => (
  <span class={kind} {...(number === undefined ? {} : { 'data-n': number })}>
    {pieces ? [text[0], ...pieces.map(colour)] : escapeInvisible(text)}
    {'\n'}
  </span>
)

/** Elements without a meaning to readers. Their names are short, which matters with thousands of them. */
const ELEMENTS = {
  keyword: text => <b>{text}</b>,
  comment: text => <i>{text}</i>,
  string: text => <u>{text}</u>,
  name: text => <var>{text}</var>,
} satisfies Record<TextKind, (text: string) => Child>

const colour = ({ text, kind }: Piece): Child =>
  kind === undefined ? escapeInvisible(text) : ELEMENTS[kind](escapeInvisible(text))
