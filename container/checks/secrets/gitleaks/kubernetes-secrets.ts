import { lineCounter, lineOfRow } from '../decode/line-map.ts'
import type { View } from '../views/view.ts'

export const SECRET_KIND = /\bkind:[ \t]*["']?secret\b/i
/** An entry as gitleaks' rule for Kubernetes secrets matches it: a name, and base64 after it or on the lines below. */
const ENTRY =
  /(?<![\w.-])(?=[\w.-])(?<=^[ \t]*|[{,][ \t]*)[\w.-]+:[ \t]{0,20}(?:[|>][-+]?\s{1,200})?["']?[a-z0-9+/]{10,}={0,3}["']?/gim

type Text = Pick<View, 'content' | 'lines'>

/**
 * Returns a text in which each entry is a Kubernetes secret of its own; undefined: the content has none. gitleaks
 * reports the first entry of a secret only, so an exception for it would hide the others.
 */
export function kubernetesSecretEntries({ content, lines }: Text): Text | undefined {
  const text = content.toString('latin1')
  if (!SECRET_KIND.test(text)) return undefined
  const rowAt = lineCounter(content, 0)
  const parts: string[] = []
  const rows: number[] = []
  let start = 0
  for (const document of text.split(/^(?=---)/m)) {
    if (SECRET_KIND.test(document))
      for (const { entry, offset } of entriesOf(document)) {
        const row = rowAt(start + offset)
        parts.push(`kind: Secret\ndata:\n  ${entry}\n`)
        rows.push(row, row, ...entry.split('\n').map((_, i) => row + i))
      }
    start += document.length
  }
  if (parts.length === 0) return undefined
  return {
    content: Buffer.from(parts.join(''), 'latin1'),
    lines: { kind: 'list', lines: rows.map(row => lineOfRow(lines, row)) },
  }
}

/** Yields the entries below each `data:` of a document. */
function* entriesOf(document: string): Generator<{ entry: string; offset: number }> {
  const data = /^([ \t-]*)data:/gim
  for (let match = data.exec(document); match; match = data.exec(document)) {
    const from = data.lastIndex
    const end = endOfBlock(document, from, match[1]?.length ?? 0)
    for (const { 0: entry, index } of document.slice(from, end).matchAll(ENTRY))
      yield { entry, offset: from + index }
    data.lastIndex = end
  }
}

/** Returns where the first line begins that is indented no more than `indent`. */
function endOfBlock(document: string, from: number, indent: number): number {
  const lineStart = /^[ \t-]*(?=[^\s-])/gm
  lineStart.lastIndex = from
  for (let line = lineStart.exec(document); line; line = lineStart.exec(document)) {
    if (line[0].length <= indent) return line.index
    lineStart.lastIndex = line.index + line[0].length + 1
  }
  return document.length
}
