import fs from 'node:fs'
import type { Spread } from './measure.ts'
import type { Effort, Result } from './row.ts'

const number = (value: number) => value.toFixed(2)
const range = ({ median, low, high }: Spread) => `${number(median)} (${number(low)}–${number(high)})`
const verdict = (result: Result) => (result.reached === undefined ? '' : result.reached ? 'yes' : '**no**')

/** Results as a Markdown table. */
export function asTable(results: readonly Result[]): string {
  const lines = results.map(result => [
    result.work,
    result.against,
    result.ratio ? range(result.ratio) : '',
    result.target === undefined ? '' : `≤ ${result.target}`,
    verdict(result),
    result.gate,
    result.peer,
  ])
  const head = ['work', 'against', 'ratio (range)', 'to reach', 'reached', 'gate', 'other']
  return [head, head.map(() => '---'), ...lines].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

interface Run {
  readonly results: readonly Result[]
  readonly about: readonly string[]
  readonly startedAt: Date
  readonly effort: Effort
}

const BEGIN = '<!-- measured: npm run bench writes from here on -->'

/** Writes the tables below the part of the file that people write. */
export function writeResults(file: string, { results, about, startedAt, effort }: Run): void {
  const written = fs.existsSync(file) ? (fs.readFileSync(file, 'utf8').split(BEGIN)[0] ?? '') : ''
  const notes = results.flatMap(({ work, note }) => (note ? [`- ${work}: ${note}`] : []))
  const measured = [
    BEGIN,
    `Measured ${startedAt.toISOString().slice(0, 10)}, ${effort.rounds} rounds (long ones: fewer).`,
    '',
    ...about.map(line => `- ${line}`),
    '',
    asTable(results),
    '',
    ...notes,
    '',
  ]
  fs.writeFileSync(file, `${written}${measured.join('\n')}`)
}
