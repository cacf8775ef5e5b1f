import { GateFault } from '../../check.ts'
import { type ScanFileWriter, type ScanItem, sourceLine, type TextRange } from './scan-files.ts'
import type { GitleaksMatch } from './verified-run.ts'
import { stripJoint } from './windows.ts'

/** A match, back in the push: what holds it, and where. */
export interface LocatedMatch {
  readonly rule: string
  readonly item: ScanItem
  readonly encodings: readonly string[]
  readonly archivePath: readonly string[]
  readonly line: number
  readonly secret: string
  /** The line of the view that holds it (or its beginning), or what is near it in a long one. */
  readonly text: string
}

/** Where a finding is, as it is shown: the path, then the way inside archives. */
export const displayPath = (found: Pick<LocatedMatch, 'item' | 'archivePath'>) =>
  [found.item.path, ...found.archivePath].join('!')

/** Something of a file that has to be read again by itself. */
export interface Rescan {
  readonly range: TextRange
  readonly content: Buffer
}

/**
 * Finds what each match is in. Several texts share a file of the scan; where a match runs over the end of one, the
 * texts it touches are given back, to be scanned one by one.
 */
export async function locate(
  leaks: readonly GitleaksMatch[],
  writer: ScanFileWriter,
): Promise<{ located: LocatedMatch[]; rescans: Rescan[] }> {
  const located: LocatedMatch[] = []
  const rescans = new Map<TextRange, Rescan>()
  const byFile = Map.groupBy(leaks, leak => leak.file)
  for (const [file, fileLeaks] of byFile) {
    const scanFile = writer.files.find(each => each.name === file)
    if (!scanFile)
      throw new GateFault('the gate could not scan this push for secrets: gitleaks speaks of an unknown text')
    const lines = await writer.lines(scanFile)
    for (const leak of fileLeaks) {
      const touched = scanFile.ranges.filter(
        ({ firstLine, lineCount }) =>
          firstLine <= Math.max(leak.endLine, leak.line) && leak.line < firstLine + lineCount,
      )
      const range = touched[0] ?? scanFile.ranges[0]
      if (!range) throw new GateFault('the gate could not scan this push for secrets: a match is in no text')
      // What runs over the end of the only text is still something that a rule takes for a secret.
      if (scanFile.ranges.length > 1 && touched.some(each => !contains(each, leak)))
        for (const each of touched) rescans.set(each, { range: each, content: contentOf(each, lines) })
      else located.push(toLocated(leak, range, lines))
    }
  }
  return { located, rescans: [...rescans.values()] }
}

const contains = ({ firstLine, lineCount }: TextRange, { line, endLine }: GitleaksMatch) =>
  firstLine <= line && Math.max(endLine, line) < firstLine + lineCount

function contentOf(range: TextRange, lines: readonly Buffer[]): Buffer {
  const own = lines.slice(range.firstLine - 1, range.firstLine - 1 + range.lineCount)
  return Buffer.concat(own.flatMap((line, i) => (i === 0 ? [line] : [Buffer.from('\n'), line])))
}

function toLocated(leak: GitleaksMatch, range: TextRange, lines: readonly Buffer[]): LocatedMatch {
  const start = leak.secret.split('\n')[0] ?? ''
  let scanLine = Math.max(leak.line, range.firstLine)
  for (let line = scanLine; line <= leak.endLine; line++) {
    if (start !== '' && lines[line - 1]?.includes(start)) {
      scanLine = line
      break
    }
  }
  return {
    rule: leak.rule,
    item: range.item,
    encodings: range.view.encodings,
    archivePath: range.view.archivePath,
    line: sourceLine(range, scanLine),
    secret: stripJoint(leak.secret),
    text: excerptAround(lines[scanLine - 1] ?? Buffer.alloc(0), start),
  }
}

/** So much of a line is kept on either side of a secret, in bytes: a line may be all of a file, and have thousands. */
const EXCERPT_BYTES = 1_000

function excerptAround(line: Buffer, start: string): string {
  const toLocated = Math.max(0, line.indexOf(start))
  return line.toString(
    'utf8',
    Math.max(0, toLocated - EXCERPT_BYTES),
    toLocated + Buffer.byteLength(start) + EXCERPT_BYTES,
  )
}
