import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { PushEvent } from '../../src/contract/companion-api/push-event.ts'
import {
  type Agent,
  accepted,
  type Clone,
  type OwnGate,
  seconds,
  startGate,
  until,
} from '../harness/index.ts'
import { type CompanionProxy, companionProxy } from './fixtures/companion-proxy.ts'
import { type SlowGitleaks, slowGitleaks } from './fixtures/slow/slow-gitleaks.ts'

let proxy: CompanionProxy
let gate: OwnGate
let ada: Agent
let work: Clone
let refs = 0
let gitleaks: SlowGitleaks
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-events-'))

beforeAll(async () => {
  gitleaks = slowGitleaks(dir)
  gate = await startGate({
    settings: {
      GATE_GITLEAKS: gitleaks.program,
      GATE_OPEN_PUSH_TIMEOUT_SECONDS: '2',
      GATE_COMPANION_SILENCE_SECONDS: '15',
      GATE_COMPANION_ANSWER_SECONDS: '10',
    },
    async companionThrough(url) {
      proxy ??= await companionProxy(url)
      return proxy.url
    },
  })
  ada = await gate.agent('ada', { push: ['refs/heads/ada/**'] })
  work = await ada.clone()
}, seconds(60))
afterAll(async () => {
  await gate?.[Symbol.asyncDispose]()
  await proxy?.[Symbol.asyncDispose]()
  fs.rmSync(dir, { recursive: true, force: true })
})
beforeEach(() => {
  proxy.onEvent = () => {}
  proxy.deafTo = undefined
  proxy.cuts = 0
  proxy.asked.length = 0
})

const nameOf = (event: PushEvent) => (event.event === 'step-begun' ? event.step : event.event)

async function pushNext() {
  const ref = `refs/heads/ada/${refs++}`
  const commit = await work.commit(`Change ${ref}`, { content: ref })
  return { ref, commit, push: work.push(`HEAD:${ref}`) }
}

test('a push is one signed request and one permission; its steps are recorded in order', async () => {
  const seen: string[] = []
  const onRecord: string[] = []
  proxy.onEvent = async event => {
    if (seen.length) {
      const last = seen.at(-1)
      // The event before this is in the ledger while the answer is held here.
      if (last !== 'commands-read' && last !== 'checked')
        onRecord.push((await gate.ledger.until(({ step }) => step === last)).step)
    }
    seen.push(nameOf(event))
  }
  const { push } = await pushNext()
  expect(await push).toMatchObject(accepted)
  expect(seen).toEqual([
    'commands-read',
    'rules',
    'files',
    'identity',
    'lfs',
    'secrets',
    'checked',
    'forwarding',
    'ended',
  ])
  expect(onRecord).toEqual(['rules', 'files', 'identity', 'lfs', 'secrets', 'forwarding'])
  // The Worker asks for the report of a push that is open for more than 2 s, as on a busy machine.
  const others = ['/info/refs', '/health', '/push/report']
  expect(proxy.asked.filter(path => !others.includes(path))).toEqual([
    '/git-receive-pack',
    '/push/permission',
  ])
})

test('the outcome is recorded before the client has the last of its answer', async () => {
  const outcomes: string[] = []
  proxy.onEvent = async ({ event }) => {
    if (event === 'ended') outcomes.push((await gate.ledger.last()).outcome)
  }
  const { push } = await pushNext()
  expect(await push).toMatchObject(accepted)
  outcomes.push((await gate.ledger.last()).outcome)
  expect(outcomes).toEqual(['open', 'accepted'])
})

const EVENTS = ['commands-read', 'secrets', 'checked', 'forwarding', 'ended'] as const
const BREAKS = ['the connection is cut', 'the companion is killed', 'the Worker is killed'] as const

describe.each(BREAKS)('%s', how => {
  test.each(EVENTS)(
    'during the event “%s”: the ledger gets the true outcome, once',
    async name => {
      const { promise: broken, resolve } = Promise.withResolvers<void>()
      proxy.onEvent = async (event, cut) => {
        if (nameOf(event) !== name) return
        proxy.onEvent = () => {}
        if (how === 'the connection is cut') cut()
        else if (how === 'the companion is killed') await killCompanion()
        else await (await gate.killWorker()).startAgain()
        resolve()
        cut()
      }
      const before = (await gate.ledger.pushes()).length
      const { ref, commit, push } = await pushNext()
      await broken
      expect((await push).code).not.toBe(0)
      const end = await gate.ledger.until(({ outcome }) => outcome !== 'open', seconds(60))
      const upstream = await gate.upstream.ref(ref)
      expect(end.refs).toMatchObject([{ ref, status: end.outcome === 'accepted' ? 'ok' : 'ng' }])
      expect(upstream).toBe(end.outcome === 'accepted' ? commit : undefined)
      if (name === 'ended') expect(end.outcome).toBe('accepted')
      if (name === 'commands-read' || name === 'secrets' || name === 'checked')
        expect(['abandoned', 'failed']).toContain(end.outcome)
      await gate.tick()
      expect(await gate.ledger.pushes()).toHaveLength(before + 1)
      expect((await gate.ledger.last()).outcome).toBe(end.outcome)
      expect((await pushNext().then(next => next.push)).code).toBe(0)
    },
    seconds(120),
  )
})

async function killCompanion(): Promise<void> {
  const { pid } = gate.companion
  process.kill(pid, 'SIGKILL')
  await until(
    () => (gate.companion.pid === pid ? undefined : true),
    seconds(20),
    () => 'the companion stays dead',
  )
}

test('a companion that accepts a push and stays silent is given up, and git prints so', async () => {
  proxy.deafTo = '/git-receive-pack'
  const { push } = await pushNext()
  const { code, output } = await push
  expect(code).not.toBe(0)
  expect(output).toContain("the gate's companion does not answer")
})

test('a companion that accepts a fetch and does not answer is given up, and git prints so', async () => {
  proxy.deafTo = '/git-upload-pack'
  const { code, output } = await ada.tryClone()
  expect(code).not.toBe(0)
  expect(output).toContain("the gate's companion does not answer")
})

test('a companion that is lost on an advertisement and does not answer its repetition is given up, too', async () => {
  proxy.deafTo = '/info/refs'
  proxy.cuts = 1
  const { code, output } = await ada.tryClone()
  expect(proxy.asked.filter(path => path === '/info/refs')).toHaveLength(2)
  expect(code).not.toBe(0)
  expect(output).toContain("the gate's companion does not answer")
})

test('a push that lasts longer than the silence timeout is accepted, thanks to alive frames', async () => {
  proxy.alive = 0
  gitleaks.be('waits')
  const { push } = await pushNext()
  // Alive frames come every 10 s; the timeout is 15 s.
  await until(
    () => proxy.alive >= 2 || undefined,
    seconds(40),
    () => 'nothing says that the companion is there',
  )
  gitleaks.be('real')
  expect(await push).toMatchObject(accepted)
})

test('a checked push without the Worker’s permission fails as the gate’s fault', async () => {
  proxy.deafTo = '/push/permission'
  const { push, ref } = await pushNext()
  const { code, output } = await push
  expect(code).not.toBe(0)
  expect(output).toMatch(/the ledger did not answer[\s\S]*this is the gate's fault/)
  expect(await gate.upstream.ref(ref)).toBeUndefined()
  expect((await gate.ledger.last()).outcome).toBe('failed')
})
