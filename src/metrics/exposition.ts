/** One series of a metric, and its value. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

/** A metric in Prometheus' text format, version 0.0.4. */
export function metric(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  samples: readonly Sample[],
): string {
  const lines = samples.map(([labels, value]) => {
    const text = Object.entries(labels).map(([label, of]) => `${label}="${escaped(of)}"`)
    return `${name}${text.length ? `{${text.join(',')}}` : ''} ${value}`
  })
  return [`# HELP ${name} ${help}.`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n')
}

const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
