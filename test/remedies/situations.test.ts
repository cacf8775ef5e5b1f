import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gate, startGate } from '../harness/index.ts'
import { recover } from './follow-output.ts'
import { type Situation, situations } from './situations.ts'

let gate: Gate
beforeAll(async () => {
  gate = await startGate({ settings: { GATE_FETCH_FRESH_SECONDS: '3600' } })
})
afterAll(() => gate?.[Symbol.asyncDispose]())

const named = situations.map((situation, i) => ({ ...situation, me: `agent${i}` }))

async function endsAsSaid({
  me,
  endedBy,
  words,
  isFalseAlarm,
  grant = {},
  prepare,
  after,
}: Situation & { me: string }) {
  const agent = await gate.agent(me, { push: ['{agent}/**'], ...grant })
  const work = await agent.clone()
  await work.text(['config', 'user.name', 'Ada'])
  await work.text(['config', 'user.email', 'ada@example.com'])
  const push = await prepare({ work, me, gate, agent })
  const ended = await recover(work, push, { isFalseAlarm })
  expect(ended, 'output' in ended ? ended.output : '').toMatchObject({ by: endedBy })
  if (words) expect(ended).toMatchObject({ words: expect.stringMatching(words) })
  await after?.(work)
}

describe('the printed lines alone lead out of', () => {
  test.each(named.filter(({ isAlone }) => isAlone))('$name: ended by $endedBy', endsAsSaid)

  test.concurrent.each(named.filter(({ isAlone }) => !isAlone))('$name: ended by $endedBy', endsAsSaid)
})
