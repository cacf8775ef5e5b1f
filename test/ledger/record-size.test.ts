import { expect, test } from 'vitest'
import { accepted, sharedGate } from '../harness/index.ts'

/** D1's limit for a row, in bytes. A row that D1 rejects would stay open forever. */
const MOST_BYTES = 2_000_000

test('a talkative upstream’s output reaches the agent, and the row keeps the beginning that fits', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', { push: ['ada/**'] })
  const words = 'über 語 '.repeat(90)
  gate.upstream.hook('post-receive', `for i in $(seq 5000); do echo "$i ${words}"; done >&2`)
  const work = await ada.clone()
  await work.commit('Say hello', { 'hello.txt': 'hello\n' })
  const ran = await work.push('HEAD:refs/heads/ada/hello')
  expect(ran).toMatchObject(accepted)
  expect(ran.output).toContain(`5000 ${words}`.trim())
  const push = await gate.ledger.last()
  expect(push.outcome).toBe('accepted')
  expect(push.upstreamOutput.split('\n')[0]).toBe(`1 ${words}`.trim())
  expect(push.upstreamOutput).toMatch(/\n… and \d+ more lines$/)
  // No character was cut in two.
  expect(push.upstreamOutput).not.toContain('\ufffd')
  expect(Buffer.byteLength(JSON.stringify(push))).toBeLessThan(MOST_BYTES)
})

test('upstream’s output that a client reads too slowly is not held in memory', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', { push: ['ada/**'] })
  gate.upstream.hook('post-receive', "head -c 20000000 /dev/zero | tr '\\0' x | fold -w 900 >&2")
  const work = await ada.clone()
  await work.commit('Say hello', { 'hello.txt': 'hello\n' })
  const ran = await work.push('HEAD:refs/heads/ada/hello')
  expect(ran).toMatchObject(accepted)
  expect(ran.output).toContain('git-gate: upstream says more, which is left out')
})
