import { escapeInvisible } from '../../contract/text/invisible-characters.ts'
import type { StepOverview } from '../../ledger/pushes/overview.ts'
import { duration } from '../components/format-time.ts'

/** A table of every step's median and 95th percentile, with bars drawn to one scale. */
export const StepChart = ({ steps }: { steps: readonly StepOverview[] }) => {
  const max = Math.max(1, ...steps.map(({ p95 }) => p95))
  const widthPercent = (ms: number) => `${Math.max(0.4, (ms / max) * 100).toFixed(1)}%`
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Step</th>
          <td class="bar-cell" />
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
            <th scope="row">{escapeInvisible(step)}</th>
            <td class="bar-cell">
              <svg class="bar" width="100%" height="12" aria-hidden="true">
                <rect class="p95" width={widthPercent(p95)} height="12" rx="2" />
                <rect class="median" width={widthPercent(median)} height="12" rx="2" />
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
