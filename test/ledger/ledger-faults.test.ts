import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Agent, accepted, type Gate, startGate } from '../harness/index.ts'
import { ledgerFile } from '../harness/ledger/ledger-file.ts'

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
