import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { SETTING_NAMES as COMPANION_SETTINGS } from '../../container/settings.ts'
import { projectRoot } from '../../local/worker/bundle.ts'
import { SETTING_NAMES as WORKER_SETTINGS } from '../../src/common/settings.ts'

const read = (file: string) => fs.readFileSync(path.join(projectRoot, file), 'utf8')
const manifests = parseAllDocuments(read('docs/kubernetes/gate.yaml')).map(document => document.toJS())

/** The types of the manifests' kinds in kubernetes-types. */
const TYPES: Readonly<Record<string, string>> = {
  'v1 ConfigMap': 'core/v1',
  'v1 Service': 'core/v1',
  'apps/v1 StatefulSet': 'apps/v1',
  'networking.k8s.io/v1 NetworkPolicy': 'networking/v1',
}

test('the manifests have the fields of the Kubernetes API, and no others', () => {
  const lines = manifests.map((manifest, i) => {
    const module = TYPES[`${manifest.apiVersion} ${manifest.kind}`]
    return `export const m${i}: import('kubernetes-types/${module}').${manifest.kind} = ${JSON.stringify(manifest)}`
  })
  // Inside the project, where the compiler finds the types.
  const cache = path.join(projectRoot, 'node_modules/.cache')
  fs.mkdirSync(cache, { recursive: true })
  const folder = fs.mkdtempSync(path.join(cache, 'manifests-'))
  const check = (text: string) => {
    const file = path.join(folder, 'manifests.ts')
    fs.writeFileSync(file, text)
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--ignoreConfig', '--types', '']
    execFileSync(path.join(projectRoot, 'node_modules/.bin/tsc'), [...options, file], { stdio: 'pipe' })
  }
  try {
    check(lines.join('\n'))
    expect(() => check(lines.join('\n').replace('periodSeconds', 'periodSecond'))).toThrow()
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
})

const Compose = z.object({
  services: z.record(
    z.string(),
    z.object({
      environment: z.record(z.string(), z.string().nullable()),
      volumes: z.tuple([z.string()]),
      read_only: z.literal(true),
      cap_drop: z.tuple([z.literal('ALL')]),
      security_opt: z.tuple([z.literal('no-new-privileges:true')]),
      mem_limit: z.string(),
      stop_grace_period: z.string().default('10s'),
    }),
  ),
})
const { services } = Compose.parse(parse(read('compose.yaml'), { merge: true }))
const dockerfile = read('container/image/Dockerfile')

const named = (kind: string, name: string) =>
  manifests.find(each => each.kind === kind && each.metadata.name === name)
const podOf = (name: string) => named('StatefulSet', name).spec.template.spec

test.each(['companion', 'worker'])('the %s is confined and bounded as in compose.yaml', name => {
  const service = services[name]
  const pod = podOf(name)
  const [container] = pod.containers
  expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: uid(), fsGroup: uid() })
  expect(container).toMatchObject({
    image: `git-gate-${name}`,
    securityContext: {
      readOnlyRootFilesystem: service?.read_only,
      allowPrivilegeEscalation: false,
      capabilities: { drop: service?.cap_drop },
    },
    resources: { limits: { memory: service?.mem_limit.replace(/^.*:-(\d+)g\}$/, '$1Gi') } },
  })
  expect(`${pod.terminationGracePeriodSeconds ?? 30}s`).toBe(
    name === 'worker' ? '30s' : service?.stop_grace_period,
  )
  const [, folder = ''] = service?.volumes[0].split(':') ?? []
  expect(container.volumeMounts).toContainEqual({ name: 'state', mountPath: folder })
  const home = container.env.find((each: { name: string }) => each.name === 'GATE_HOME')
  expect(path.dirname(home.value)).toBe(folder)
})

const uid = () => Number(/--uid (\d+)/.exec(dockerfile)?.[1])

test.each([
  ['companion', '/health'],
  ['worker', '/-/health'],
])('the %s has the port and the health checks of its image', (name, health) => {
  const [, stage = ''] = dockerfile.split(
    new RegExp(`AS ${name === 'worker' ? 'worker' : 'companion-code'}\n`),
  )
  const port = Number(/EXPOSE (\d+)/.exec(stage)?.[1])
  expect(stage).toContain(`+ '${health}')`)
  const [container] = podOf(name).containers
  expect(container.ports).toEqual([{ name: 'http', containerPort: port }])
  for (const probe of [container.startupProbe, container.readinessProbe])
    expect(probe.httpGet).toEqual({ path: health, port: 'http' })
  expect(named('Service', name).spec).toMatchObject({
    selector: { app: `git-gate-${name}` },
    ports: [{ port, targetPort: 'http' }],
  })
})

test('each container has the secrets of compose.yaml, and every setting exists', () => {
  const known = new Set([...COMPANION_SETTINGS, ...WORKER_SETTINGS])
  for (const [name, service] of Object.entries(services)) {
    const required = Object.entries(service.environment).filter(([, value]) => value !== null)
    const { env } = podOf(name).containers[0]
    const names: string[] = env.map((each: { name: string }) => each.name)
    expect(names.toSorted()).toEqual([...required.map(([setting]) => setting), 'GATE_HOME'].toSorted())
    const url = env.find((each: { name: string }) => each.name === 'GATE_COMPANION_URL')
    expect(url?.value ?? null).toBe(service.environment.GATE_COMPANION_URL ?? null)
  }
  for (const setting of Object.keys(named('ConfigMap', 'git-gate').data)) expect(known).toContain(setting)
})

test('only the Worker reaches the companion', () => {
  expect(named('NetworkPolicy', 'companion').spec).toEqual({
    podSelector: { matchLabels: { app: 'git-gate-companion' } },
    policyTypes: ['Ingress'],
    ingress: [
      {
        from: [{ podSelector: { matchLabels: { app: 'git-gate-worker' } } }],
        ports: [{ protocol: 'TCP', port: 'http' }],
      },
    ],
  })
})
