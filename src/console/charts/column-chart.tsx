import type { Slots } from '../../ledger/pushes/overview.ts'
import { ChartTable, type Column, type Series } from './chart-table.tsx'
import { axisMax } from './scale.ts'

/** In pixels. Widths are percentages, so that the chart fills its container. */
const HEIGHT = 210
const BOTTOM_MARGIN = 24
const TOP_MARGIN = 16
const BASELINE = HEIGHT - BOTTOM_MARGIN

/** The chart labels this many columns at most; narrow pages show every other label. */
const MAX_LABELS = 6

interface Props<Name extends string> {
  readonly time: Slots
  readonly series: readonly Series<Name>[]
  readonly values: readonly { slot: number; name: Name; value: number }[]
  /** The chart's accessible name. */
  readonly label: string
  readonly format: (value: number) => string
  /** The unit in which `format` prints a maximum, so that the axis ends at a round number of it. */
  readonly unit?: (max: number) => number
}

/** Stacked columns over time, above a table with the same values. */
export const ColumnChart = <Name extends string>({
  time,
  series,
  values,
  label,
  format,
  unit = () => 1,
}: Props<Name>) => {
  const columns = toColumns(time, values)
  const max = axisMax(
    columns.map(column => [...column.values.values()].reduce((sum, value) => sum + value, 0)),
    unit,
  )
  const height = (value: number) => (value / max) * (BASELINE - TOP_MARGIN)
  const xPercent = (slot: number) => `${((slot / columns.length) * 100).toFixed(2)}%`
  return (
    <figure class="chart">
      <svg width="100%" height={HEIGHT} role="img" aria-label={`${label}; the table below has the numbers`}>
        <GridLines values={[0, max / 2, max]} height={height} format={format} />
        {columns.map((column, slot) => (
          <StackedColumn
            column={column}
            series={series}
            x={offset => xPercent(slot + offset)}
            width={xPercent}
            height={height}
            format={format}
          />
        ))}
        <ColumnLabels columns={columns} xPercent={xPercent} />
      </svg>
      {series.length > 1 && (
        <figcaption class="legend">
          {series.map(({ className, label }) => (
            <span class={className}>{label}</span>
          ))}
        </figcaption>
      )}
      <ChartTable label={label} series={series} columns={columns} format={format} />
    </figure>
  )
}

function toColumns<Name extends string>(
  { from, slotMs, slots }: Slots,
  values: readonly { slot: number; name: Name; value: number }[],
): Column<Name>[] {
  const columns = Array.from({ length: slots }, (_, slot) => ({
    label: slotLabel(from + slot * slotMs, slotMs),
    values: new Map<Name, number>(),
  }))
  for (const { slot, name, value } of values) columns[slot]?.values.set(name, value)
  return columns
}

const GridLines = ({
  values,
  height,
  format,
}: {
  values: readonly number[]
  height: (value: number) => number
  format: (value: number) => string
}) => (
  <>
    {values.map(value => (
      <>
        <line class="grid" x2="100%" y1={BASELINE - height(value)} y2={BASELINE - height(value)} />
        {value > 0 && (
          <text class="axis" y={BASELINE - height(value) - 4}>
            {format(value)}
          </text>
        )}
      </>
    ))}
  </>
)

const StackedColumn = <Name extends string>({
  column,
  series,
  x,
  width,
  height,
  format,
}: {
  column: Column<Name>
  series: readonly Series<Name>[]
  x: (offset: number) => string
  width: (slots: number) => string
  height: (value: number) => number
  format: (value: number) => string
}) => {
  let y = BASELINE
  return (
    <g>
      <title>{`${column.label}: ${describe(column, series, format)}`}</title>
      <rect class="hover-area" x={x(0)} width={width(1)} height={BASELINE} />
      {series.map(({ name, className }) => {
        const barHeight = height(column.values.get(name) ?? 0)
        y -= barHeight
        return barHeight === 0 ? null : (
          <rect
            class={className}
            x={x(0.15)}
            y={y.toFixed(1)}
            width={width(0.7)}
            height={barHeight.toFixed(1)}
          />
        )
      })}
    </g>
  )
}

function describe<Name extends string>(
  { values }: Column<Name>,
  series: readonly Series<Name>[],
  format: (value: number) => string,
): string {
  const parts = series.flatMap(({ name, label }) => {
    const value = values.get(name)
    if (value === undefined) return []
    return series.length > 1 ? `${format(value)} ${label}` : format(value)
  })
  return parts.join(', ') || 'none'
}

const ColumnLabels = ({
  columns,
  xPercent,
}: {
  columns: readonly { label: string }[]
  xPercent: (slot: number) => string
}) => {
  const step = Math.ceil(columns.length / MAX_LABELS)
  return (
    <>
      {columns.map(({ label }, slot) =>
        slot % step === 0 ? (
          <text class={slot % (2 * step) === 0 ? 'axis' : 'axis wide-only'} x={xPercent(slot)} y={HEIGHT - 6}>
            {label}
          </text>
        ) : null,
      )}
    </>
  )
}

/** `11-28`, or `11-28 06:00` where slots are shorter than a day; in UTC. */
const slotLabel = (ms: number, slotMs: number) => {
  const iso = new Date(ms).toISOString()
  return slotMs >= 86_400_000 ? iso.slice(5, 10) : `${iso.slice(5, 10)} ${iso.slice(11, 16)}`
}
