import { visible } from '../../contract/invisible-characters.ts'
import type { Slots, StepOverview } from '../../ledger/pushes/overview.ts'
import { duration } from './format-time.ts'

/** In pixels; widths are shares of what room there is. */
const HEIGHT = 210
const BOTTOM = 24
const TOP = 16

/** One colour of a chart: what it stands for, and the class that paints it. */
interface Series<Name extends string> {
  readonly name: Name
  readonly words: string
  readonly tone: string
}

interface Columns<Name extends string> {
  readonly time: Slots
  readonly series: readonly Series<Name>[]
  readonly values: readonly { slot: number; name: Name; value: number }[]
  /** What is drawn, for those who do not see it. */
  readonly label: string
  /** A value in words. */
  readonly tell: (value: number) => string
  /** What values are counted in, so that the axis ends at a round number of it. */
  readonly unit?: (most: number) => number
}

/** Values over time as stacked columns; the numbers are in a table under it. */
export const ColumnChart = <Name extends string>({
  time: { from, slotMs, slots },
  series,
  values,
  label,
  tell,
  unit = () => 1,
}: Columns<Name>) => {
  const columns = Array.from({ length: slots }, () => new Map<Name, number>())
  for (const { slot, name, value } of values) columns[slot]?.set(name, value)
  const most = Math.max(1, ...columns.map(of => sum(of.values())))
  const top = roundUp(most / unit(most)) * unit(most)
  const high = (value: number) => (value / top) * (HEIGHT - BOTTOM - TOP)
  const across = (place: number) => `${((place / slots) * 100).toFixed(2)}%`
  const name = (slot: number) => slotName(from + slot * slotMs, slotMs)
  const named = Math.ceil(slots / 6)
  const inWords = (of: ReadonlyMap<Name, number>) =>
    series
      .flatMap(each => {
        const value = of.get(each.name)
        return value === undefined ? [] : series.length > 1 ? `${tell(value)} ${each.words}` : tell(value)
      })
      .join(', ') || 'none'
  return (
    <figure class="chart">
      <svg width="100%" height={HEIGHT} role="img" aria-label={`${label}; the table below has the numbers`}>
        {[0, top / 2, top].map(value => (
          <>
            <line
              class="grid"
              x2="100%"
              y1={HEIGHT - BOTTOM - high(value)}
              y2={HEIGHT - BOTTOM - high(value)}
            />
            {value > 0 && (
              <text class="axis" y={HEIGHT - BOTTOM - high(value) - 4}>
                {tell(value)}
              </text>
            )}
          </>
        ))}
        {columns.map((of, slot) => {
          let y = HEIGHT - BOTTOM
          return (
            <g>
              <title>{`${name(slot)}: ${inWords(of)}`}</title>
              <rect class="hover" x={across(slot)} width={across(1)} height={HEIGHT - BOTTOM} />
              {series.map(each => {
                const height = high(of.get(each.name) ?? 0)
                y -= height
                return height === 0 ? null : (
                  <rect
                    class={each.tone}
                    x={across(slot + 0.15)}
                    y={y.toFixed(1)}
                    width={across(0.7)}
                    height={height.toFixed(1)}
                  />
                )
              })}
            </g>
          )
        })}
        {columns.map((_, slot) =>
          slot % named === 0 ? (
            <text class={slot % (2 * named) === 0 ? 'axis' : 'axis spare'} x={across(slot)} y={HEIGHT - 6}>
              {name(slot)}
            </text>
          ) : null,
        )}
      </svg>
      {series.length > 1 && (
        <figcaption class="legend">
          {series.map(each => (
            <span class={each.tone}>{each.words}</span>
          ))}
        </figcaption>
      )}
      <details>
        <summary>The numbers</summary>
        <section class="wider" aria-label={`${label}, in numbers`} tabindex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">From (UTC)</th>
                {series.map(each => (
                  <th scope="col" class="number">
                    {each.words}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {columns.map((of, slot) =>
                of.size === 0 ? null : (
                  <tr>
                    <th scope="row">{name(slot)}</th>
                    {series.map(each => (
                      <td class="number">{tell(of.get(each.name) ?? 0)}</td>
                    ))}
                  </tr>
                ),
              )}
            </tbody>
          </table>
        </section>
      </details>
    </figure>
  )
}

/** Every step's median and 95th percentile, drawn to one scale beside their numbers. */
export const StepChart = ({ steps }: { steps: readonly StepOverview[] }) => {
  const longest = Math.max(1, ...steps.map(each => each.p95))
  const share = (ms: number) => `${Math.max(0.4, (ms / longest) * 100).toFixed(1)}%`
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Step</th>
          <td class="drawn" />
          <th scope="col" class="number">
            Median
          </th>
          <th scope="col" class="number">
            95th percentile
          </th>
          <th scope="col" class="number">
            Pushes
          </th>
        </tr>
      </thead>
      <tbody>
        {steps.map(({ step, median, p95, pushes }) => (
          <tr>
            <th scope="row">{visible(step)}</th>
            <td class="drawn">
              <svg class="bar" width="100%" height="12" aria-hidden="true">
                <rect class="p95" width={share(p95)} height="12" rx="2" />
                <rect class="median" width={share(median)} height="12" rx="2" />
              </svg>
            </td>
            <td class="number">{duration(median)}</td>
            <td class="number">{duration(p95)}</td>
            <td class="number">{pushes.toLocaleString('en')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const sum = (values: Iterable<number>) => [...values].reduce((all, value) => all + value, 0)

/** The next number that is easy to read off an axis, and even: 26 is read off one that ends at 30. */
function roundUp(value: number): number {
  const unit = Math.max(2, 10 ** Math.floor(Math.log10(value)))
  return Math.ceil(value / unit) * unit
}

const slotName = (ms: number, slotMs: number) => {
  const iso = new Date(ms).toISOString()
  return slotMs >= 86_400_000 ? iso.slice(5, 10) : `${iso.slice(5, 10)} ${iso.slice(11, 16)}`
}
