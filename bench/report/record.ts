import fs from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import type { Row } from '../row.ts'
import { asTable } from './table.ts'

const Spread = z.object({ median: z.number(), low: z.number(), high: z.number() })
const Result = z.object({
  work: z.string(),
  against: z.string(),
  target: z.number().optional(),
  ratio: Spread.optional(),
  rounds: z.number().optional(),
  gate: z.string(),
  peer: z.string(),
  reached: z.boolean().optional(),
  note: z.string().optional(),
  detail: z.string().optional(),
})
const Measured = z.object({
  at: z.string(),
  about: z.array(z.string()),
  results: z.array(Result),
})
type Measured = z.infer<typeof Measured>

const file = path.join(import.meta.dirname, '../results.json')
const page = path.join(import.meta.dirname, '../results.md')
const MARK = '<!-- below: written by npm run bench from results.json -->'

const read = (): Record<string, Measured> =>
  fs.existsSync(file) ? z.record(z.string(), Measured).parse(JSON.parse(fs.readFileSync(file, 'utf8'))) : {}

/** Replaces a row's measurements in results.json, and rewrites the generated part of results.md. */
export function keep(name: string, measured: Measured, rows: readonly Row[]): void {
  const all = { ...read(), [name]: measured }
  fs.writeFileSync(file, `${JSON.stringify(all, undefined, 2)}\n`)
  const written = fs.existsSync(page) ? (fs.readFileSync(page, 'utf8').split(MARK)[0] ?? '') : ''
  const inOrder = rows.flatMap(row => (all[row.name] ? [{ name: row.name, ...all[row.name] }] : []))
  const results = inOrder.flatMap(each => each.results ?? [])
  const notes = results.flatMap(({ work, note }) => (note ? [`- ${work}: ${note}.`] : []))
  const details = results.flatMap(({ work, detail }) => (detail ? [`### ${work}`, '', detail, ''] : []))
  const lines = [
    MARK,
    '',
    '## The table',
    '',
    'A ratio is the median of the rounds’ ratios, gate to peer; in brackets the lowest and the highest round.',
    '',
    asTable(results),
    '',
    ...notes,
    '',
    ...details,
    '## Measured on',
    '',
    ...machines(Object.entries(all)),
    '',
  ]
  fs.writeFileSync(page, `${written}${lines.join('\n')}`)
}

/** Lists each machine, with its programs' versions and the rows that were measured on it. */
function machines(measurements: readonly (readonly [string, Measured])[]): string[] {
  const rowsOf = Map.groupBy(measurements, ([, { about }]) => about.join('; '))
  return [...rowsOf].map(
    ([about, rows]) => `- ${about}: ${rows.map(([row, { at }]) => `${row} ${at}`).join('; ')}`,
  )
}
