/** A value of a metric, with the labels that identify its series. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

/** Renders a metric in Prometheus' text format, version 0.0.4. */
export function metric(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  samples: readonly Sample[],
): string {
  const lines = samples.map(([labels, value]) => formatSample(name, labels, value))
  return [`# HELP ${name} ${help}.`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n')
}

/** A series of a histogram: the number of values in each bucket, and the sum and number of all values. */
export interface HistogramSample {
  readonly labels: Readonly<Record<string, string>>
  readonly buckets: readonly number[]
  readonly sum: number
  readonly count: number
}

/** Renders a histogram. Prometheus' buckets are cumulative. */
export function histogram(
  name: string,
  help: string,
  bounds: readonly number[],
  series: readonly HistogramSample[],
): string {
  const samples = series.flatMap(({ labels, buckets, sum, count }) => {
    let below = 0
    const rows = bounds.map((bound, i) => {
      below += buckets[i] ?? 0
      return [`${name}_bucket`, { ...labels, le: String(bound) }, below] as const
    })
    return [
      ...rows,
      [`${name}_bucket`, { ...labels, le: '+Inf' }, count] as const,
      [`${name}_sum`, labels, sum] as const,
      [`${name}_count`, labels, count] as const,
    ]
  })
  const lines = samples.map(([series, labels, value]) => formatSample(series, labels, value))
  return [`# HELP ${name} ${help}.`, `# TYPE ${name} histogram`, ...lines, ''].join('\n')
}

function formatSample(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`)
  return `${name}${pairs.length ? `{${pairs.join(',')}}` : ''} ${value}`
}

const escapeLabel = (text: string) =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
