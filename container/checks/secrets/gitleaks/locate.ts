import { GateFault } from '../../check.ts'
import { type ScanFileWriter, type ScanItem, sourceLine, type TextRange } from './scan-files.ts'
import type { GitleaksMatch } from './verified-run.ts'
import { stripJoint } from './windows.ts'

/** A match with its place in the push. */
export interface LocatedMatch {
  readonly rule: string
  readonly item: ScanItem
  readonly encodings: readonly string[]
  readonly archivePath: readonly string[]
  /** True in the strings of binary content. */
  readonly isBinary: boolean
  readonly line: number
  readonly secret: string
  /** The secret with the text around it that the rule asked for. */
  readonly match: string
  /** The line of the view with the secret or its first line; of a long line the part around the secret. */
  readonly text: string
}

/** Returns the path that a finding is shown with: the file's path, then the path inside archives. */
export const displayPath = ({ item, archivePath }: Pick<LocatedMatch, 'item' | 'archivePath'>) =>
  [item.path, ...archivePath].join('!')

/** A text that has to be scanned again in a file of its own. */
export interface Rescan {
  readonly range: TextRange
  readonly content: Buffer
}

/**
 * Finds the text of each match. Several texts share a scanned file. Where a match reaches over the border of a text,
 * the texts that it touches are returned for a separate scan.
 */
export async function locate(
  matches: readonly GitleaksMatch[],
  writer: ScanFileWriter,
): Promise<{ located: LocatedMatch[]; rescans: Rescan[] }> {
  const located: LocatedMatch[] = []
  const rescans = new Map<TextRange, Rescan>()
  const byFile = Map.groupBy(matches, match => match.file)
  for (const [file, fileMatches] of byFile) {
    const scanFile = writer.files.find(({ name }) => name === file)
    if (!scanFile)
      throw new GateFault('the gate could not scan this push for secrets: gitleaks reported an unknown file')
    const lines = await writer.lines(scanFile)
    for (const match of fileMatches) {
      const touched = scanFile.ranges.filter(
        ({ firstLine, lineCount }) =>
          firstLine <= Math.max(match.endLine, match.line) && match.line < firstLine + lineCount,
      )
      const range = touched[0] ?? scanFile.ranges[0]
      if (!range)
        throw new GateFault(
          'the gate could not scan this push for secrets: gitleaks reported a match outside of every text',
        )
      // A match that reaches over the end of a file's only text is a finding too.
      if (scanFile.ranges.length > 1 && touched.some(text => !contains(text, match)))
        for (const text of touched) rescans.set(text, { range: text, content: contentOf(text, lines) })
      else located.push(toLocated(match, range, lines))
    }
  }
  return { located, rescans: [...rescans.values()] }
}

const contains = ({ firstLine, lineCount }: TextRange, { line, endLine }: GitleaksMatch) =>
  firstLine <= line && Math.max(endLine, line) < firstLine + lineCount

function contentOf(range: TextRange, lines: readonly Buffer[]): Buffer {
  const textLines = lines.slice(range.firstLine - 1, range.firstLine - 1 + range.lineCount)
  return Buffer.concat(textLines.flatMap((line, i) => (i === 0 ? [line] : [Buffer.from('\n'), line])))
}

function toLocated(match: GitleaksMatch, range: TextRange, lines: readonly Buffer[]): LocatedMatch {
  const start = match.secret.split('\n')[0] ?? ''
  let scanLine = Math.max(match.line, range.firstLine)
  for (let line = scanLine; line <= match.endLine; line++) {
    if (start !== '' && lines[line - 1]?.includes(start)) {
      scanLine = line
      break
    }
  }
  return {
    rule: match.rule,
    item: range.item,
    encodings: range.view.encodings,
    archivePath: range.view.archivePath,
    isBinary: range.view.isBinary === true,
    line: sourceLine(range, scanLine),
    secret: stripJoint(match.secret),
    match: stripJoint(match.match),
    text: excerptAround(lines[scanLine - 1] ?? Buffer.alloc(0), start),
  }
}

/**
 * The part of a line that is kept on each side of a secret, in bytes. A line may be a whole file with thousands of
 * secrets.
 */
const EXCERPT_BYTES = 1_000

function excerptAround(line: Buffer, start: string): string {
  const offset = Math.max(0, line.indexOf(start))
  return line.toString(
    'utf8',
    Math.max(0, offset - EXCERPT_BYTES),
    offset + Buffer.byteLength(start) + EXCERPT_BYTES,
  )
}
