import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { retrying } from '../../src/ledger/retry.ts'
import { type Agent, accepted, type Gate, startGate } from '../harness/index.ts'
import { ledgerFile } from '../harness/ledger-file.ts'

let gate: Gate
let ada: Agent
beforeAll(async () => {
  gate = await startGate()
  ada = await gate.agent('ada', { push: ['ada/**'] })
})
afterAll(() => gate[Symbol.asyncDispose]())

/** Runs SQL on the ledger's file, beside workerd. */
function onLedger(sql: string): void {
  const database = new DatabaseSync(ledgerFile(gate.home), { timeout: 10_000 })
  try {
    database.exec(sql)
  } finally {
    database.close()
  }
}

/** Makes D1 fail with this error at each new push, until `untilMs` or until disposed of. */
function pushesFail(words: string, untilMs?: number): Disposable {
  const when = untilMs === undefined ? '' : `WHEN unixepoch('subsec') * 1000 < ${untilMs}`
  onLedger(
    `CREATE TRIGGER failing BEFORE INSERT ON pushes ${when} BEGIN SELECT RAISE(ABORT, '${words}'); END`,
  )
  return { [Symbol.dispose]: () => onLedger('DROP TRIGGER failing') }
}

test('a push is accepted although D1 fails for a moment when its row is opened', async () => {
  const work = await ada.clone()
  await work.commit('Something', { 'a.txt': 'a\n' })
  // Git asks for the refs first, so the push itself arrives a little later.
  using _fault = pushesFail('Network connection lost.', Date.now() + 1_000)
  expect(await work.push('HEAD:ada/retried')).toMatchObject(accepted)
  expect(await gate.ledger.last()).toMatchObject({ outcome: 'accepted' })
})

test.each([
  ['stays out of reach', 'Network connection lost.'],
  ['fails otherwise', 'D1 has a fault that no retry helps'],
])('when D1 %s, git prints that it is the gate’s fault, and the next push is accepted', async (_, words) => {
  const work = await ada.clone()
  await work.commit('Something else', { 'b.txt': `${words}\n` })
  const ref = `ada/${words.length}`
  const before = await gate.ledger.pushes()
  {
    using _fault = pushesFail(words)
    for (const large of [false, true]) {
      if (large) await work.text(['config', 'http.postBuffer', '1'])
      const ran = await work.push(`HEAD:${ref}`)
      expect(ran.code).not.toBe(0)
      expect(ran.output).toMatch(
        /git-gate: the gate failed on this request.*this is the gate's fault: try again/,
      )
      expect(ran.output).not.toMatch(/HTTP 500|error: 500/)
    }
  }
  expect(await gate.ledger.pushes()).toEqual(before)
  expect(await gate.upstream.ref(`refs/heads/${ref}`)).toBeUndefined()
  expect(await work.push(`HEAD:${ref}`)).toMatchObject(accepted)
})

test('an unreadable ledger is reported in the protocol of clone and push', async () => {
  const work = await ada.clone()
  await work.commit('Unread', { 'c.txt': 'c\n' })
  onLedger('ALTER TABLE tokens RENAME TO away')
  try {
    for (const ran of [await work.git(['fetch', 'origin']), await work.push('HEAD:ada/unread')])
      expect(ran.output).toMatch(
        /remote: git-gate: the gate failed on this request.*this is the gate's fault/,
      )
    const answer = await fetch(`${gate.url}/app.git/git-upload-pack`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.token}` },
      body: '0000',
    })
    expect(await answer.text()).toMatch(/^[0-9a-f]{4}ERR git-gate: the gate failed on this request/)
  } finally {
    onLedger('ALTER TABLE away RENAME TO tokens')
  }
  expect(await work.git(['fetch', 'origin'])).toMatchObject(accepted)
})

test.each([
  ['D1_ERROR: Network connection lost.', 3],
  ['D1_ERROR: D1 DB reset because its code was updated.', 3],
  ['D1_ERROR: Internal error in D1 DB storage caused object to be reset.', 3],
  ['D1_ERROR: database is locked: SQLITE_BUSY', 3],
])('%s: the statement is retried', async (words, times) => {
  let asked = 0
  const answer = await retrying(async () => {
    asked += 1
    if (asked < times) throw new Error(words)
    return 'answer'
  })
  expect({ asked, answer }).toEqual({ asked: times, answer: 'answer' })
})

test('a permanent error is not retried, and a transient error only so often', async () => {
  let asked = 0
  const failing = (words: string) => () => {
    asked += 1
    return Promise.reject(new Error(words))
  }
  await expect(retrying(failing('UNIQUE constraint failed'))).rejects.toThrow('UNIQUE')
  expect(asked).toBe(1)
  const race = await Promise.race([
    retrying(failing('Network connection lost')).catch(() => 'given up'),
    delay(5_000, 'still asking', { ref: false }),
  ])
  expect(race).toBe('given up')
  expect(asked).toBeLessThan(10)
})
