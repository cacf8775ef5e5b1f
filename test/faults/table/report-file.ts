import fs from 'node:fs'
import path from 'node:path'
import type { Aftermath } from './measure.ts'

const FILE = path.join(import.meta.dirname, '../../../docs/faults.md')

const HEAD = [
  'fault',
  'surface',
  'client: last line, ended after',
  'gone (s)',
  'left behind',
  'upstream, mirror',
  'ledger (after)',
  'next push to the ref',
]

const PREAMBLE = `# Faults

Each row is a fault during a push, and its effects as \`npm run faults\` measured them.

- **Gone** is the time from the fault until the companion had no session, process or temporary file of the push. A fault
  that the test holds for a while counts from its end. Where the client lives to read the answer, the time counts from the
  client's end and the end of the fault. After a client's own fault the limit is the silence that a client is allowed
  (15 s here), and 2 s more.
- **The next push** goes to the same ref, at once.
- **A cut network** is a router between namespaces that stops forwarding. A peer vanishes behind a link that turns silent.
- **The gate's timeouts** are shorter here than by default: 15 s of silence (90), 40 s for checks (120), 20 s for a
  forward (120), 5 s until the sweep asks about an open push (30).
- **Git LFS**: the row is the upload of an object. Its ledger is the list of transfers, and its next push the next upload.
- **Git LFS over SSH**: the same to an upstream with git-lfs-transfer. \`node test/lfs/build.ts\` builds it; without it a run
  keeps these rows.

\`npm run faults -- -t 'gitleaks hangs'\` measures the rows whose names match, and keeps the others.
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
