import { expect, test } from 'vitest'
import { sessionEndOf } from '../../container/sessions/session-counts.ts'
import { createSessions, type Sessions } from '../../container/sessions/sessions.ts'

const LIMITS = { maxSessions: 4, maxAgentSessions: 3 }
const who = (agent: string, id = `${agent}-1`) => ({
  id,
  repository: 'app',
  agent,
  service: 'git-upload-pack',
})

function begin(sessions: Sessions, agent: string, id?: string) {
  const begun = sessions.begin(who(agent, id))
  if (!begun.ok) throw new Error(begun.reason)
  return begun
}

test('an agent has its share of sessions, all agents have the whole, and each end gives a place back', () => {
  const sessions = createSessions(LIMITS)
  const own = [begin(sessions, 'ada'), begin(sessions, 'ada'), begin(sessions, 'ada')]
  expect(sessions.begin(who('ada'))).toMatchObject({
    ok: false,
    reason: expect.stringMatching(/^ada has 3 sessions at once/),
  })
  begin(sessions, 'bob')
  expect(sessions.begin(who('eve'))).toMatchObject({
    ok: false,
    reason: expect.stringMatching(/^the gate is busy with 4 sessions/),
  })
  own[0]?.end({ outcome: 'served' })
  begin(sessions, 'eve')
  own[1]?.end({ outcome: 'served' })
  begin(sessions, 'ada')
  expect(sessions.all.size).toBe(4)
})

test('a quarter of an agent’s share is read of each agent that is turned away, and all of them share one such share', () => {
  const { turnAway } = createSessions({ maxSessions: 100, maxAgentSessions: 8 })
  const ada = [turnAway('ada'), turnAway('ada')]
  expect(ada.every(Boolean)).toBe(true)
  expect(turnAway('ada')).toBeUndefined()
  for (const agent of ['bob', 'eve', 'lee'])
    expect([turnAway(agent), turnAway(agent)].every(Boolean)).toBe(true)
  expect(turnAway('ron')).toBeUndefined()
  ada[0]?.()
  expect(turnAway('ron')).toBeDefined()
  ada[1]?.()
  expect(turnAway('ada')).toBeDefined()
})

test('fetches wait in line for a place: the first in line gets it, and a client that has gone leaves the line', async () => {
  const sessions = createSessions(LIMITS)
  const full = [...'abcd'].map(agent => begin(sessions, agent))
  const stay = new AbortController()
  const leave = new AbortController()
  const order: string[] = []
  const enter = async (agent: string, { signal }: AbortController) => {
    const begun = await sessions.beginInTurn(who(agent), signal)
    order.push(begun.ok ? agent : `${agent}: ${begun.reason}`)
  }
  const line = [enter('eve', stay), enter('fay', leave), enter('gus', stay)]
  leave.abort()
  await line[1]
  expect(order).toEqual([expect.stringMatching(/^fay: the gate is busy with 4 sessions/)])
  full[0]?.end({ outcome: 'served' })
  await line[0]
  full[1]?.end({ outcome: 'served' })
  await line[2]
  expect(order.slice(1)).toEqual(['eve', 'gus'])
})

test('as many fetches of an agent wait as may run, the next is refused at once, and the end of the gate ends the line', async () => {
  const sessions = createSessions(LIMITS)
  const own = [...'123'].map(id => begin(sessions, 'ada', id))
  const { signal } = new AbortController()
  const line = own.map(() => sessions.beginInTurn(who('ada'), signal))
  expect(await sessions.beginInTurn(who('ada'), signal)).toMatchObject({ ok: false })
  void sessions.close()
  expect(await Promise.all(line)).toEqual(
    line.map(() => ({ ok: false, reason: expect.stringMatching(/^the gate is stopping/) })),
  )
})

test('a wait for a session ends with the session, and at once if there is no such session', {
  timeout: 10_000,
}, async () => {
  const sessions = createSessions(LIMITS)
  const { end } = begin(sessions, 'ada', 'mine')
  let isOver = false
  const waiting = sessions.ended('mine', 60_000).then(() => {
    isOver = true
  })
  await sessions.ended('another', 60_000)
  expect(isOver).toBe(false)
  end({ outcome: 'served' })
  await waiting
})

test('a wait for a session ends with its time', async () => {
  const sessions = createSessions(LIMITS)
  begin(sessions, 'ada', 'mine')
  await sessions.ended('mine', 1)
  expect(sessions.all.size).toBe(1)
})

test('closed sessions refuse new sessions, and the close resolves when the last has ended', async () => {
  const sessions = createSessions(LIMITS)
  const { end } = begin(sessions, 'ada')
  let isClosed = false
  const closing = sessions.close().then(() => {
    isClosed = true
  })
  expect(sessions.begin(who('bob'))).toMatchObject({
    ok: false,
    reason: expect.stringMatching(/^the gate is stopping/),
  })
  await Promise.resolve()
  expect(isClosed).toBe(false)
  end({ outcome: 'served' })
  await closing
  await createSessions(LIMITS).close()
})

test('ended sessions are counted by repository, service, outcome and reason', () => {
  const sessions = createSessions({ maxSessions: 2, maxAgentSessions: 2 })
  begin(sessions, 'ada').end(sessionEndOf(undefined))
  begin(sessions, 'ada').end(sessionEndOf('idle-timeout'))
  const scanned = { bytes: 10, objects: 2, gitleaks: 1 }
  for (let i = 0; i < 2; i++) begin(sessions, 'ada').end({ outcome: 'accepted', scanned })
  for (const agent of ['ada', 'bob']) begin(sessions, agent)
  sessions.begin(who('eve'))
  expect(sessions.counts('app')).toEqual({
    sessions: { 'git-upload-pack': { served: 1, abandoned: 1, accepted: 2, busy: 1 } },
    disconnects: { 'idle-timeout': 1 },
    scanned: { bytes: 20, objects: 4, gitleaks: 2 },
  })
  expect(sessions.counts('other').sessions).toEqual({})
})
