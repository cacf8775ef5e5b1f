import type { Outcome } from '../contract/outcome.ts'
import type { OutcomesOfSlot, StepOverview } from '../ledger/overview.ts'
import { duration, visible } from './words.tsx'

const STACK: readonly Outcome[] = ['accepted', 'refused', 'failed', 'abandoned', 'open']
/** In pixels; widths are shares of what room there is. */
const HEIGHT = 210
const BOTTOM = 24
const TOP = 16

interface Slots {
  readonly outcomes: readonly OutcomesOfSlot[]
  readonly from: number
  readonly slotMs: number
  readonly slots: number
}

/** Pushes over time as stacked columns; the numbers are in a table under it. */
export const OutcomeChart = ({ outcomes, from, slotMs, slots }: Slots) => {
  const counts = Array.from({ length: slots }, () => new Map<Outcome, number>())
  for (const { slot, outcome, pushes } of outcomes) counts[slot]?.set(outcome, pushes)
  const top = roundUp(Math.max(1, ...counts.map(of => sum(of.values()))))
  const high = (pushes: number) => (pushes / top) * (HEIGHT - BOTTOM - TOP)
  const across = (place: number) => `${((place / slots) * 100).toFixed(2)}%`
  const name = (slot: number) => slotName(from + slot * slotMs, slotMs)
  const named = Math.ceil(slots / 6)
  return (
    <figure class="chart">
      <svg
        width="100%"
        height={HEIGHT}
        role="img"
        aria-label="Pushes by outcome over time; the table below has the numbers"
      >
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
                {value}
              </text>
            )}
          </>
        ))}
        {counts.map((of, slot) => {
          let y = HEIGHT - BOTTOM
          return (
            <g>
              <title>{`${name(slot)}: ${tell(of)}`}</title>
              <rect class="hover" x={across(slot)} width={across(1)} height={HEIGHT - BOTTOM} />
              {STACK.map(outcome => {
                const height = high(of.get(outcome) ?? 0)
                y -= height
                return height === 0 ? null : (
                  <rect
                    class={outcome}
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
        {counts.map((_, slot) =>
          slot % named === 0 ? (
            <text class={slot % (2 * named) === 0 ? 'axis' : 'axis spare'} x={across(slot)} y={HEIGHT - 6}>
              {name(slot)}
            </text>
          ) : null,
        )}
      </svg>
      <figcaption class="legend">
        {STACK.map(outcome => (
          <span class={outcome}>{outcome}</span>
        ))}
      </figcaption>
      <details>
        <summary>The numbers</summary>
        <section class="wider" aria-label="Pushes by outcome, in numbers" tabindex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">From (UTC)</th>
                {STACK.map(outcome => (
                  <th scope="col" class="number">
                    {outcome}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {counts.map((of, slot) =>
                of.size === 0 ? null : (
                  <tr>
                    <th scope="row">{name(slot)}</th>
                    {STACK.map(outcome => (
                      <td class="number">{of.get(outcome) ?? 0}</td>
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
    <table class="step-times">
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

const tell = (of: ReadonlyMap<Outcome, number>) =>
  of.size === 0 ? 'no push' : [...of].map(([outcome, pushes]) => `${pushes} ${outcome}`).join(', ')
