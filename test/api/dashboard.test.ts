import fs from 'node:fs'
import path from 'node:path'
import { parser } from '@prometheus-io/lezer-promql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { projectRoot } from '../../local/worker/bundle.ts'
import { accepted, type Gate, rejected, sharedGate } from '../harness/index.ts'
import { githubToken } from '../scan/fixtures/fakes.ts'

const read = (name: string) => fs.readFileSync(path.join(projectRoot, 'docs/metrics', name), 'utf8')

const Dashboard = z.object({
  templating: z.object({ list: z.array(z.object({ name: z.string(), query: z.string() })) }),
  panels: z.array(z.object({ id: z.number(), targets: z.array(z.object({ expr: z.string() })).min(1) })),
})
const Alerts = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string(),
          expr: z.string(),
          for: z
            .string()
            .regex(/^\d+[mh]$/)
            .optional(),
          annotations: z.strictObject({ summary: z.string() }),
        }),
      ),
    }),
  ),
})
const dashboard = Dashboard.parse(JSON.parse(read('dashboard.json')))
const alerts = Alerts.parse(parse(read('alerts.yaml'))).groups.flatMap(({ rules }) => rules)

/** Grafana replaces these before Prometheus reads a query. */
const asPrometheusReads = (query: string) =>
  query.replaceAll('$__rate_interval', '5m').replaceAll('$repository', '.*')

const queries = [
  ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => asPrometheusReads(expr))),
  ...alerts.map(({ expr }) => expr),
]

/** The metrics and the labels that a query names. Throws unless Prometheus' grammar takes it. */
function namesIn(query: string): { metrics: string[]; labels: string[] } {
  const names = { metrics: [] as string[], labels: [] as string[] }
  parser.parse(query).iterate({
    enter({ type, from, to, node }) {
      const text = query.slice(from, to)
      if (type.isError) throw new Error(`no PromQL: ${query} at ${from}`)
      if (type.name === 'Identifier' && node.parent?.name === 'VectorSelector') names.metrics.push(text)
      if (type.name === 'LabelName') names.labels.push(text)
    },
  })
  return names
}

let gate: Gate
/** The labels of each exposed metric; of a histogram also by the names of its series. */
const exposed = new Map<string, Set<string>>()
beforeAll(async () => {
  gate = await sharedGate()
  const ada = await gate.agent('ada', { push: ['ada/**'] })
  expect(await ada.push('refs/heads/ada/a', 'a')).toMatchObject(accepted)
  expect(await ada.push('refs/heads/ada/b', `token = '${githubToken()}'\n`)).toMatchObject(rejected)
  const headers = { authorization: `Bearer ${gate.adminToken}` }
  const answer = await fetch(`${gate.url}/-/metrics`, { headers })
  for (const line of (await answer.text()).split('\n')) {
    const [, metric, labels = ''] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? []
    if (metric === undefined) continue
    const known = exposed.get(metric) ?? new Set()
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.add(label)
    exposed.set(metric, known)
  }
})
afterAll(() => gate?.[Symbol.asyncDispose]())

test('PromQL with a fault is found', () => {
  expect(() => namesIn('sum by (outcome (rate(gate_pushes_total[5m]))')).toThrow()
})

test.each(queries)('a running gate has the metrics and labels of: %s', query => {
  const { metrics, labels } = namesIn(query)
  expect(metrics).not.toEqual([])
  // Prometheus itself makes `up` and the label `job`.
  const own = metrics.filter(metric => metric !== 'up')
  for (const metric of own) expect([...exposed.keys()]).toContain(metric)
  const known = ['job', ...own.flatMap(metric => [...(exposed.get(metric) ?? [])])]
  for (const label of labels) expect(known).toContain(label)
})

test('the variables of the dashboard, and of the alerts’ words, are labels that a gate has', () => {
  for (const { query } of dashboard.templating.list) {
    const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(query) ?? []
    if (metric !== undefined) expect([...(exposed.get(metric) ?? [])]).toContain(label)
  }
  for (const { expr, annotations } of alerts)
    for (const [, label] of annotations.summary.matchAll(/\$labels\.(\w+)/g))
      expect(namesIn(expr).labels).toContain(label)
})
