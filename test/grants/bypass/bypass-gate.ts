import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { type Clone, cloneIn } from '../../harness/clone.ts'
import { type Agent, accepted, type Gate, gitText, seconds, sharedGate } from '../../harness/index.ts'
import { body, packOf, send, ZERO } from '../wire.ts'

export let gate: Gate
/** May create and update every branch but main. */
export let eve: Agent
/** May only create branches. */
export let creator: Agent
export let work: Clone
/** A pack of the commits One and Two. */
export let fromBase: Buffer
let before: Readonly<Record<string, string>>
const ids: Record<string, string> = {}
let folder: string

/** Starts the gate of a file's tests, and ends it after them. */
export function useBypassGate(): void {
  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-ways-past-'))
    gate = await sharedGate()
    await gate.upstream.git(['config', 'receive.advertisePushOptions', 'true'])
    await gitText(['clone', '-q', gate.upstream.dir, path.join(folder, 'work')])
    work = cloneIn(path.join(folder, 'work'))
    ids.base = await work.text(['rev-parse', 'HEAD'])
    ids.one = await work.commit('One', { one: 'one\n' })
    ids.two = await work.commit('Two', { two: 'two\n' })
    await work.text(['branch', 'two'])
    ids.unknown = await work.commit('Never pushed', { unknown: 'unknown\n' })
    ids.three = await work.commit('Three', { three: 'three\n' })
    await work.text(['branch', 'lost'])
    await work.text(['switch', '-q', '-c', 'side', ids.base])
    ids.side = await work.commit('Side', { side: 'side\n' })
    await work.text([
      'push',
      '-q',
      gate.upstream.dir,
      'two~1:refs/heads/stand/one',
      'side:refs/heads/stand/side',
      'two~1:refs/tags/stand',
    ])
    await gate.upstream.git(['update-ref', 'refs/pull/1/head', ids.one])
    eve = await gate.agent('eve', { push: ['**'], deny: ['main'], tags: ['refs/tags/**'] })
    creator = await gate.agent('creator', { push: ['creator/**'] })
    await gate.admin.grant('creator', 'app', { rules: [{ pattern: 'refs/heads/**', allow: ['create'] }] })
    fromBase = await packOf(work, 'two', `^${id('base')}`)
    await rememberRefs()
  }, seconds(120))
  afterAll(async () => {
    await gate?.[Symbol.asyncDispose]()
    fs.rmSync(folder, { recursive: true, force: true })
  })
}

export const id = (name: string) => ids[name] ?? ZERO

/** Makes `changed` compare with the refs that upstream has now. */
export async function rememberRefs(): Promise<void> {
  before = await gate.upstream.refs()
}

/** Returns the refs of upstream that have changed. */
export async function changed(): Promise<Record<string, string | undefined>> {
  const now = await gate.upstream.refs()
  const names = new Set([...Object.keys(before), ...Object.keys(now)])
  return Object.fromEntries([...names].filter(ref => now[ref] !== before[ref]).map(ref => [ref, now[ref]]))
}

/** Checks that each push is refused in git's words and recorded, and that upstream is unchanged. */
export async function refusedPushes(who: Agent, bodies: readonly Buffer[], words: RegExp): Promise<void> {
  for (const bytes of bodies) {
    const answer = await send(gate, who, bytes)
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('application/x-git-receive-pack-result')
    expect(answer.report[0]).toMatch(/^unpack /)
    expect(answer.report.filter(line => line.startsWith('ok '))).toEqual([])
    expect(answer.report.join('\n')).toMatch(words)
  }
  expect(await changed()).toEqual({})
  const rows = (await gate.ledger.pushes()).slice(0, bodies.length)
  for (const row of rows)
    expect(row).toMatchObject({
      agent: who.name,
      outcome: expect.stringMatching(/^(refused|abandoned|failed)$/),
    })
}
export const refusedPush = (who: Agent, bytes: Buffer, words: RegExp) => refusedPushes(who, [bytes], words)

/** A list that is not read to its end: a report would make git name every ref. */
export async function refusedWhole(who: Agent, bytes: Buffer, words: RegExp): Promise<void> {
  const answer = await send(gate, who, bytes)
  expect(answer.shown).toMatch(words)
  expect(answer.report).toEqual(['\x03git-gate: nothing was pushed'])
  expect(await changed()).toEqual({})
  expect(await gate.ledger.last()).toMatchObject({ agent: who.name, outcome: 'refused' })
}

export const oneRef = (ref: string | Buffer) => body([[ZERO, id('two'), ref]], fromBase)

/** The last test of each file. */
export async function nothingIsLeftBehind(): Promise<void> {
  const ran = await work.git(['push', eve.url(), 'two:refs/heads/afterwards'])
  expect(ran, ran.output).toMatchObject(accepted)
  await gate.idle({ within: seconds(30) })
  expect((await gate.ledger.pushes()).filter(push => push.outcome === 'open')).toEqual([])
  expect(gate.log.filter(line => line.includes('"level":"error"'))).toEqual([])
}
