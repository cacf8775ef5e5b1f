/** A value of a metric, with the labels that identify its series. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

/** Renders a metric in Prometheus' text format, version 0.0.4. */
export function metric(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  samples: readonly Sample[],
): string {
  const lines = samples.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`)
    return `${name}${pairs.length ? `{${pairs.join(',')}}` : ''} ${value}`
  })
  return [`# HELP ${name} ${help}.`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n')
}

const escapeLabel = (text: string) =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
