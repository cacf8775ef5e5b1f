import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gate, startGate } from '../harness/index.ts'
import { recover } from './follow-output.ts'
import { situations } from './situations.ts'

let gate: Gate
beforeAll(async () => {
  gate = await startGate({ settings: { GATE_FETCH_FRESH_SECONDS: '3600' } })
})
afterAll(() => gate?.[Symbol.asyncDispose]())

describe.concurrent('the printed lines alone lead out of', () => {
  test.each(situations.map((situation, i) => ({ ...situation, me: `agent${i}` })))(
    '$name: ended by $endedBy',
    async ({ me, endedBy, words, isFalseAlarm, grant = {}, prepare, after }) => {
      const agent = await gate.agent(me, { push: ['{agent}/**'], ...grant })
      const work = await agent.clone()
      await work.text(['config', 'user.name', 'Ada'])
      await work.text(['config', 'user.email', 'ada@example.com'])
      const push = await prepare({ work, me, gate, agent })
      const ended = await recover(work, push, { isFalseAlarm })
      expect(ended, 'output' in ended ? ended.output : '').toMatchObject({ by: endedBy })
      if (words) expect(ended).toMatchObject({ words: expect.stringMatching(words) })
      await after?.(work)
    },
  )
})
