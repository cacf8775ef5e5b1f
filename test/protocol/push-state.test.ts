import { describe, expect, test } from 'vitest'
import { createPushState, type PushState } from '../../container/push/push-state.ts'

const moved = (...states: PushState[]) => {
  const push = createPushState()
  for (const state of states) push.move(state)
  return push
}

describe('a push', () => {
  test.for<[string, PushState[]]>([
    ['ends before git is started', ['ended-early']],
    ['is accepted by upstream', ['receiving', 'checking', 'checking', 'forwarding', 'done']],
    ['is refused by a check', ['receiving', 'checking', 'done']],
    ['is refused by git', ['receiving', 'done']],
  ])('%s', ([, states]) => {
    expect(moved(...states).current).toBe(states.at(-1))
  })

  test.for<[string, PushState[]]>([
    ['before it named a ref', []],
    ['in mid-pack', ['receiving']],
    ['during its checks', ['receiving', 'checking']],
  ])('can be abandoned %s', ([, states]) => {
    expect(moved(...states).can('abandoned')).toBe(true)
  })

  test('that is being forwarded cannot be abandoned', () => {
    const push = moved('receiving', 'checking', 'forwarding')
    expect(push.can('abandoned')).toBe(false)
    expect(() => push.move('abandoned')).toThrow('forwarding')
  })

  test('that was abandoned is not forwarded', () => {
    expect(() => moved('receiving', 'checking', 'abandoned').move('forwarding')).toThrow('abandoned')
  })

  test('keeps the name of its last step when it ends', () => {
    const push = moved('receiving')
    push.move('checking', 'secrets')
    push.move('done')
    expect(push.step).toBe('secrets')
  })
})
