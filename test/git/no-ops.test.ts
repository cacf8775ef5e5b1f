import { afterAll, beforeAll, expect, test } from 'vitest'
import { holdForwards } from '../faults/fixtures/upstream-hold.ts'
import { body, packOf, send, ZERO } from '../grants/wire.ts'
import { type Agent, accepted, type Clone, type Gate, sharedGate, until } from '../harness/index.ts'

let gate: Gate
let ada: Agent
let work: Clone
let main: string
beforeAll(async () => {
  gate = await sharedGate()
  ada = await gate.agent('ada', { push: ['ada/**'], force: ['ada/**'], delete: ['ada/**'], tags: ['**'] })
  work = await ada.clone()
  main = await work.text(['rev-parse', 'HEAD'])
})
afterAll(() => gate[Symbol.asyncDispose]())

test('a ref that the push does not change is ok, without a word to upstream', async () => {
  gate.upstream.refuse('nothing is taken now')
  const answer = await send(gate, ada, body([[main, main, 'refs/heads/main']], await packOf(work, 'HEAD')))
  expect(answer.report).toEqual(['unpack ok', 'ok refs/heads/main'])
  expect(await gate.ledger.last()).toMatchObject({ outcome: 'accepted' })
  gate.upstream.hook('pre-receive')

  const moved = await send(
    gate,
    ada,
    body([[ZERO.replace('0', '1'), ZERO.replace('0', '1'), 'refs/heads/main']]),
  )
  expect(moved.report[1]).toContain('ng refs/heads/main git-gate: upstream has moved since you fetched')
})

test('the delete of a ref that is not there is a warning, beside a change too', async () => {
  const answer = await send(gate, ada, body([[ZERO, ZERO, 'refs/heads/ada/no']]))
  expect(answer.report).toEqual(['unpack ok', 'ok refs/heads/ada/no'])
  expect(answer.shown).toContain('git-gate: warning: there is no refs/heads/ada/no to delete')

  const both = await send(
    gate,
    ada,
    body(
      [
        [ZERO, ZERO, 'refs/heads/ada/no'],
        [ZERO, main, 'refs/heads/ada/yes'],
      ],
      await packOf(work, 'HEAD', '^HEAD'),
    ),
  )
  expect(both.report).toEqual(['unpack ok', 'ok refs/heads/ada/yes', 'ok refs/heads/ada/no'])
  expect(await gate.upstream.ref('refs/heads/ada/yes')).toBe(main)

  const there = await send(gate, ada, body([[ZERO, ZERO, 'refs/heads/ada/yes']]))
  expect(there.report[1]).toContain('ng refs/heads/ada/yes git-gate: upstream has moved')
  expect(await gate.upstream.ref('refs/heads/ada/yes')).toBe(main)
})

test('a ref that upstream has lost meanwhile counts as deleted', async () => {
  const answer = await send(gate, ada, body([[main, ZERO, 'refs/heads/ada/lost']]))
  expect(answer.report).toEqual(['unpack ok', 'ok refs/heads/ada/lost'])
  expect(answer.shown).toContain('upstream has this already')
})

test('a push that repeats one whose client was stopped in mid-forward is accepted', async () => {
  const tip = await work.commit('Stopped')
  const hold = holdForwards(gate.upstream)
  const first = work.push('HEAD:ada/stopped')
  await hold.begun()
  first.kill('SIGINT')
  await first
  const second = work.push('HEAD:ada/stopped')
  await second.until(/forwarding to/)
  hold.release()
  const ran = await second
  expect(ran, ran.output).toMatchObject(accepted)
  expect(ran.output).toMatch(/upstream has (this already|accepted the push)/)
  expect(await gate.upstream.ref('refs/heads/ada/stopped')).toBe(tip)
})

test('too many refs are refused once, not once for each', async () => {
  // git's own time grows with the square of the refs, so the names are long and the refs few.
  const folder = `${'a'.repeat(200)}/${'b'.repeat(200)}`
  const refs = Array.from({ length: 1_600 }, (_, n) => `create refs/tags/${folder}/${n} ${main}\n`)
  const many = await ada.clone()
  await many.git(['update-ref', '--stdin'], { input: refs.join('') })
  const pushed = await many.push('refs/tags/*')
  expect(pushed.code).not.toBe(0)
  expect(pushed.output).toContain('the command list is too long')
  expect(pushed.output.split('\n').length).toBeLessThan(20)
})

test('a mirror push of an ordinary clone is told once which refs to leave out, and how', async () => {
  const clone = await ada.clone()
  await clone.text(['update-ref', 'refs/original/refs/heads/main', main])
  await clone.text(['branch', 'ada/rest'])
  const pushed = await clone.push('--mirror')
  expect(pushed.code).not.toBe(0)
  const told = pushed.output.split('\n').filter(line => line.startsWith('remote:'))
  expect(told.filter(line => line.includes('are neither branches nor tags'))).toHaveLength(1)
  expect(pushed.output).toContain('refs/original/refs/heads/main')
  expect(pushed.output).toContain('git push origin --all && git push origin --tags')
})

test("the other refs' reasons name the ref that was refused and why", async () => {
  const clone = await ada.clone()
  await clone.commit('Both')
  const pushed = await clone.push('HEAD:ada/fine', 'HEAD:main')
  expect(pushed.output).toMatch(
    /HEAD -> ada\/fine \(git-gate: not pushed: another ref of this push was refused: refs\/heads\/main: ada may update /,
  )
  await until(
    async () => (await gate.ledger.last()).outcome === 'refused' || undefined,
    5_000,
    () => 'open',
  )
})
