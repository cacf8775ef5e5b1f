import type { Spread } from '../measure.ts'
import type { Result } from '../row.ts'

const number = (value: number) => value.toFixed(2)
const range = ({ median, low, high }: Spread) => `${number(median)} (${number(low)}–${number(high)})`
const verdict = (result: Result) => (result.reached === undefined ? '' : result.reached ? 'yes' : '**no**')

/** Formats results as a Markdown table. */
export function asTable(results: readonly Result[]): string {
  const lines = results.map(result => [
    result.work,
    result.against,
    result.ratio ? range(result.ratio) : '',
    result.rounds ?? '',
    result.target === undefined ? '' : `≤ ${result.target}`,
    verdict(result),
    result.gate,
    result.peer,
  ])
  const head = ['work', 'against', 'ratio (range)', 'rounds', 'to reach', 'reached', 'gate', 'other']
  return [head, head.map(() => '---'), ...lines].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}
