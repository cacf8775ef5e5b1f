import fs from 'node:fs'
import path from 'node:path'
import type { Aftermath } from './measure.ts'

const FILE = path.join(import.meta.dirname, '../../../docs/faults.md')

const HEAD = [
  'fault',
  'surface',
  'the client: said last, ended after',
  'gone (s)',
  'left behind',
  'upstream, mirror',
  'ledger (after)',
  'next push to the ref',
]

const PREAMBLE = `# Faults

What each fault left of a push, as \`npm run faults\` measured it. "gone" is the time from the fault (or from
what held the push being let go) until the companion had no session, process or temporary file of it; for a
client's fault the bound is the silence that a client is allowed, 15 s here, and 2 s more. For a fault that the
client lives to hear of, that is when the client has ended and the fault is mended. The next push goes to the same ref,
at once. A network is cut by a router between namespaces that no longer forwards; elsewhere a peer vanishes behind a
link that is silent. The gate's deadlines are shorter here than by default: 15 s of silence, 40 s for checks, 20 s for
a forward, 5 s until a lost push is looked into (90, 120, 120 and 30). A row of the surface "Git LFS" is the upload of one
object, its ledger is the list of transfers, and its next is the next upload of the object. "Git LFS over SSH" is the same
to an upstream with git-lfs-transfer (\`node test/lfs/build.ts\` builds it; without it these rows stay).
\`npm run faults -- -t 'gitleaks hangs'\` measures some rows again and leaves the others.
`

/** The cells of a row that a measurement fills. */
export type Row = Pick<Aftermath, 'client' | 'gone' | 'left' | 'upstream' | 'outcome' | 'next'>

/** docs/faults.md, rewritten with each row. A row that is not measured again stays. */
export interface Report {
  /** Declares a row. The table has the declared rows alone, in this order. */
  expect(fault: string, surface: string): void
  row(fault: string, surface: string, after: Row): void
  /** Adds a line below the table, or replaces the line that begins with the same two words. */
  aside(line: string): void
}

export function openReport(): Report {
  const { rows, asides } = read()
  const expected: string[] = []
  const write = () => {
    const table = expected.flatMap(key => {
      const cells = rows.get(key)
      return cells ? [cells] : []
    })
    const lines = [line(HEAD), line(HEAD.map(() => '---')), ...table.map(line)]
    fs.writeFileSync(
      FILE,
      [PREAMBLE, ...lines, '', ...[...asides.values()].flatMap(text => [text, ''])].join('\n'),
    )
  }
  return {
    expect: (fault, surface) => void expected.push(keyOf(fault, surface)),
    row(fault, surface, { client, gone, left, upstream, outcome, next }) {
      const cells = [fault, surface, client, gone.toFixed(1), left || 'none', upstream, outcome, next]
      rows.set(
        keyOf(fault, surface),
        cells.map(cell => cell.replaceAll(/\s+/g, ' ').trim()),
      )
      console.log(line(cells))
      write()
    },
    aside(text) {
      asides.set(openingOf(text), text)
      write()
    },
  }
}

const keyOf = (fault: string, surface: string) => `${fault}, ${surface}`
const openingOf = (text: string) => text.split(' ', 2).join(' ')

const line = (cells: readonly string[]) => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
const cellsOf = (row: string) =>
  row
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map(cell => cell.replaceAll('\\|', '|').trim())

/** Reads the rows and lines of an earlier run from the file. */
function read(): { rows: Map<string, readonly string[]>; asides: Map<string, string> } {
  const rows = new Map<string, readonly string[]>()
  const asides = new Map<string, string>()
  let isBelow = false
  for (const text of fs.readFileSync(FILE, 'utf8').split('\n')) {
    if (text.startsWith('|')) {
      isBelow = true
      const cells = cellsOf(text)
      const [fault = '', surface = ''] = cells
      if (cells.length === HEAD.length) rows.set(keyOf(fault, surface), cells)
    } else if (isBelow && text.trim()) asides.set(openingOf(text), text)
  }
  return { rows, asides }
}
