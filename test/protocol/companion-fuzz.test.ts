import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  PASS_HEADER,
  PASS_SECONDS,
  type Pass,
  PROTOCOL,
  signPass,
} from '../../src/contract/companion-api/pass.ts'
import { grantOn } from '../faults/fixtures/passes.ts'
import { body, packOf, request, ZERO } from '../grants/wire.ts'
import { sessionsOf } from '../harness/companion-status.ts'
import { type Clone, type Gate, seconds, startGate } from '../harness/index.ts'

let gate: Gate
let wanted: Awaited<ReturnType<typeof grantOn>>
let work: Clone
let valid: Buffer
let tip: string

beforeAll(async () => {
  gate = await startGate({ settings: { GATE_CLIENT_IDLE_SECONDS: '2' } })
  // The companion must accept nothing: ada may push only to a branch that no request here names.
  const ada = await gate.agent('ada', { push: ['never'] })
  wanted = await grantOn(gate, 'app', 'ada')
  work = await ada.clone()
  tip = await work.commit('One', { one: 'one\n' })
  valid = body([[ZERO, tip, 'refs/heads/nevermore']], await packOf(work, 'HEAD', '^origin/main'))
}, seconds(60))
afterAll(() => gate?.[Symbol.asyncDispose]())

const ROUTES = {
  'advertise-upload-pack': ['GET', '/info/refs'],
  'advertise-receive-pack': ['GET', '/info/refs'],
  'git-upload-pack': ['POST', '/git-upload-pack'],
  'git-receive-pack': ['POST', '/git-receive-pack'],
  'push-report': ['GET', '/push/report'],
} as const
type Service = keyof typeof ROUTES

function passFor(service: Service): Pass {
  const base = { v: PROTOCOL, id: randomUUID(), exp: Math.floor(Date.now() / 1000) + PASS_SECONDS } as const
  const git = { ...base, repository: wanted.repository, agent: wanted.agent, terms: wanted.terms }
  if (service === 'push-report') return { service, ...base, push: 'x', wait: 0 }
  return service === 'git-receive-pack'
    ? { service, ...git, exceptions: [], gitleaksConfig: '' }
    : { service, ...git }
}

const wants = (line: string) => Buffer.from(`${(line.length + 4).toString(16).padStart(4, '0')}${line}`)
const fetching = () =>
  Buffer.concat([
    wants(`want ${tip} side-band-64k ofs-delta agent=git/fuzz\n`),
    Buffer.from('0000'),
    wants('done\n'),
  ])
const listing = Buffer.concat([
  wants('command=ls-refs\n'),
  Buffer.from('0001'),
  wants('symrefs\n'),
  Buffer.from('0000'),
])

interface Change {
  readonly at: number
  readonly drop: number
  readonly put: Uint8Array
}
const changed = (bytes: Buffer, changes: readonly Change[]) =>
  changes.reduce((now, { at, drop, put }) => {
    const place = at % (now.length + 1)
    return Buffer.concat([now.subarray(0, place), Buffer.from(put), now.subarray(place + drop)])
  }, bytes)
const put = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc
    .constantFrom('0000', '0001', '0004', 'ffff', '\0', '\n', ZERO, 'refs/heads/x\0', ' refs/', 'PACK')
    .map(text => Buffer.from(text)),
)
const change = fc.record({ at: fc.nat(), drop: fc.nat({ max: 8 }), put })
const header = fc.constantFrom<readonly [string, string]>(
  ['git-protocol', 'version=2'],
  ['git-protocol', 'version=1'],
  ['git-protocol', 'version=2:push-options=x'],
  ['git-protocol', '$(id)'],
  ['content-encoding', 'gzip'],
  ['content-encoding', 'x-gzip'],
  ['content-type', 'text/plain'],
  ['expect', '100-continue'],
  ['proxy', 'http://127.0.0.1:1'],
  ['range', 'bytes=0-1'],
)

/** Counts the companion's descriptors. */
const descriptors = () => fs.readdirSync(`/proc/${gate.companion.pid}/fd`).length

test('mutated requests with valid passes: answers, no leak, nothing accepted', {
  timeout: seconds(170),
}, async () => {
  const { pid } = gate.companion
  const before = await gate.upstream.refs()
  const one = fc.record({
    service: fc.constantFrom(
      ...(Object.keys(ROUTES) as Service[]),
      'git-receive-pack' as const,
      'git-receive-pack' as const,
    ),
    changes: fc.array(change, { maxLength: 4 }),
    headers: fc.array(header, { maxLength: 2 }),
    gone: fc.option(fc.nat({ max: 30 }), { freq: 6, nil: undefined }),
  })
  const send = async ({
    service,
    changes,
    headers,
    gone,
  }: typeof one extends fc.Arbitrary<infer T> ? T : never) => {
    const [method, path] = ROUTES[service]
    const plain = service === 'git-receive-pack' ? valid : changes.length % 2 ? listing : fetching()
    const bytes = method === 'GET' ? Buffer.alloc(0) : changed(plain, changes)
    const all = {
      ...Object.fromEntries(headers),
      [PASS_HEADER]: await signPass(passFor(service), gate.passKey),
    }
    const answer = await request(gate.companion.url, path, method, bytes, all, gone).catch(() => undefined)
    if (!answer) return
    expect(answer.status).toBeLessThan(500)
    expect(answer.report.filter(line => line.startsWith('ok '))).toEqual([])
  }
  await send({ service: 'git-receive-pack', changes: [], headers: [], gone: undefined })
  await gate.idle({ within: seconds(30) })
  const held = descriptors()
  await fc.assert(
    fc.asyncProperty(fc.array(one, { minLength: 8, maxLength: 8 }), async batch => {
      await Promise.all(batch.map(send))
    }),
    { numRuns: 60, interruptAfterTimeLimit: seconds(60), endOnFailure: true },
  )
  await gate.idle({ within: seconds(30) })
  expect(await sessionsOf(gate.companion.url, gate.passKey)).toEqual([])
  expect(gate.companion.pid).toBe(pid)
  expect(descriptors()).toBeLessThan(held + 20)
  expect(await gate.upstream.refs()).toEqual(before)
  expect(gate.log.filter(line => line.includes('"level":"error"'))).toEqual([])
})
