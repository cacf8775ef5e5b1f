import type { StringList } from '../decode/binary-strings.ts'
import type { LineMap } from '../decode/line-map.ts'

/** A reading of a file: its bytes as they are, or decoded. */
export interface View {
  readonly content: Buffer
  readonly lines: LineMap
  /** The encodings that were decoded, outermost first; empty for the file's own bytes. */
  readonly encodings: readonly string[]
  /** The path inside archives, outermost first. */
  readonly archivePath: readonly string[]
  /** True for the strings of binary content. */
  readonly isBinary?: boolean
  /** The name that rules apply to, where it differs from the file's path and from the last archive path. */
  readonly name?: string
}

/** Where an expanded source lies in the file. */
export interface Nesting {
  readonly depth: number
  readonly encodings: readonly string[]
  readonly archivePath: readonly string[]
  readonly name?: string
  /** The line of the file that the source begins in; undefined: line 1. */
  readonly first?: number
  /** Set when every line of the source stands for this line of the file. */
  readonly line?: number
}

export const lineMap = (nesting: Nesting, first: number): LineMap =>
  nesting.line === undefined ? { kind: 'from', first } : { kind: 'at', line: nesting.line }

export const viewFields = ({
  encodings,
  archivePath,
  name,
}: Nesting): Pick<View, 'encodings' | 'archivePath' | 'name'> => ({
  encodings,
  archivePath,
  ...(name ? { name } : {}),
})

export function stringsView({ content, lines }: StringList, nesting: Nesting): View {
  const map = nesting.line === undefined ? ({ kind: 'list', lines } as const) : lineMap(nesting, 0)
  return { ...viewFields(nesting), content, lines: map, isBinary: true }
}
