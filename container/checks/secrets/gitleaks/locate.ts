import { GateFault } from '../../check.ts'
import { type Item, lineOf, type Packs, type Stretch } from './scan-files.ts'
import type { Leak } from './verified-run.ts'
import { ownWords } from './windows.ts'

/** A match, back in the push: what holds it, and where. */
export interface Located {
  readonly rule: string
  readonly item: Item
  readonly how: readonly string[]
  readonly inner: readonly string[]
  readonly line: number
  readonly secret: string
  /** The line of the view that holds it (or its beginning), or what is near it in a long one. */
  readonly text: string
}

/** Something of a file that has to be read again by itself. */
export interface Again {
  readonly stretch: Stretch
  readonly content: Buffer
}

/**
 * Finds what each match is in. Several texts share a file of the scan; where a match runs over the end of one, the
 * texts it touches are given back, to be scanned one by one.
 */
export async function locate(
  leaks: readonly Leak[],
  packs: Packs,
): Promise<{ located: Located[]; again: Again[] }> {
  const located: Located[] = []
  const again = new Map<Stretch, Again>()
  const byFile = Map.groupBy(leaks, leak => leak.file)
  for (const [file, inFile] of byFile) {
    const pack = packs.written.find(each => each.name === file)
    if (!pack)
      throw new GateFault('the gate could not scan this push for secrets: gitleaks speaks of an unknown text')
    const lines = await packs.lines(pack)
    for (const leak of inFile) {
      const touched = pack.stretches.filter(
        ({ firstLine, lineCount }) =>
          firstLine <= Math.max(leak.endLine, leak.line) && leak.line < firstLine + lineCount,
      )
      const stretch = touched[0] ?? pack.stretches[0]
      if (!stretch)
        throw new GateFault('the gate could not scan this push for secrets: a match is in no text')
      // What runs over the end of the only text is still something that a rule takes for a secret.
      if (pack.stretches.length > 1 && touched.some(each => !holds(each, leak)))
        for (const each of touched) again.set(each, { stretch: each, content: contentOf(each, lines) })
      else located.push(at(leak, stretch, lines))
    }
  }
  return { located, again: [...again.values()] }
}

const holds = ({ firstLine, lineCount }: Stretch, { line, endLine }: Leak) =>
  firstLine <= line && Math.max(endLine, line) < firstLine + lineCount

function contentOf(stretch: Stretch, lines: readonly Buffer[]): Buffer {
  const own = lines.slice(stretch.firstLine - 1, stretch.firstLine - 1 + stretch.lineCount)
  return Buffer.concat(own.flatMap((line, i) => (i === 0 ? [line] : [Buffer.from('\n'), line])))
}

function at(leak: Leak, stretch: Stretch, lines: readonly Buffer[]): Located {
  const start = leak.secret.split('\n')[0] ?? ''
  let packLine = Math.max(leak.line, stretch.firstLine)
  for (let line = packLine; line <= leak.endLine; line++) {
    if (start !== '' && lines[line - 1]?.includes(start)) {
      packLine = line
      break
    }
  }
  return {
    rule: leak.rule,
    item: stretch.item,
    how: stretch.view.how,
    inner: stretch.view.inner,
    line: lineOf(stretch, packLine),
    secret: ownWords(leak.secret),
    text: near(lines[packLine - 1] ?? Buffer.alloc(0), start),
  }
}

/** So much of a line is kept on either side of a secret, in bytes: a line may be all of a file, and have thousands. */
const KEPT = 1_000

function near(line: Buffer, start: string): string {
  const at = Math.max(0, line.indexOf(start))
  return line.toString('utf8', Math.max(0, at - KEPT), at + Buffer.byteLength(start) + KEPT)
}
