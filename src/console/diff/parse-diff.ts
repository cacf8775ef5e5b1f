/** A line of a diff. `number` is its number in the new file, of a removed line in the old file. */
export interface DiffLine {
  readonly kind: 'header' | 'hunk' | 'added' | 'removed' | 'context'
  readonly number: number | undefined
  readonly text: string
}

/** The changes of one file. */
export interface FileDiff {
  readonly path: string
  readonly lines: readonly DiffLine[]
}

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/

/** Parses git's diff into files. Lines from `diff` to the first `@@` are the header of a file. */
export function parseDiff(text: string): FileDiff[] {
  const files: { path: string; lines: DiffLine[] }[] = []
  let isHeader = true
  let [oldLine, newLine] = [0, 0]
  for (const line of text.replace(/\n$/, '').split('\n')) {
    if (line.startsWith('diff ')) {
      files.push({ path: line.slice(line.lastIndexOf(' b/') + 3), lines: [] })
      isHeader = true
    }
    const file = files.at(-1)
    if (!file) continue
    const hunk = HUNK.exec(line)
    if (hunk) {
      isHeader = false
      oldLine = Number(hunk[1])
      newLine = Number(hunk[2])
      file.lines.push({ kind: 'hunk', number: undefined, text: line })
    } else if (isHeader) file.lines.push({ kind: 'header', number: undefined, text: line })
    else if (line.startsWith('+')) file.lines.push({ kind: 'added', number: newLine++, text: line })
    else if (line.startsWith('-')) file.lines.push({ kind: 'removed', number: oldLine++, text: line })
    // "\ No newline at end of file"
    else if (line.startsWith('\\')) file.lines.push({ kind: 'context', number: undefined, text: line })
    else {
      file.lines.push({ kind: 'context', number: newLine++, text: line })
      oldLine++
    }
  }
  return files
}
