import { describe, expect, test } from 'vitest'
import { createProgress, type PushState } from '../../container/push/push-state.ts'

const moved = (...states: PushState[]) => {
  const progress = createProgress()
  for (const state of states) progress.move(state)
  return progress
}

describe('a push', () => {
  test.for<[string, PushState[]]>([
    ['is rejected early', ['rejected']],
    ['is accepted by upstream', ['receiving', 'checking', 'checking', 'forwarding', 'done']],
    ['is refused by a check', ['receiving', 'checking', 'done']],
    ['is refused by git', ['receiving', 'done']],
  ])('%s', ([, states]) => {
    expect(moved(...states).state).toBe(states.at(-1))
  })

  test.for<[string, PushState[]]>([
    ['before it named a ref', []],
    ['in mid-pack', ['receiving']],
    ['during its checks', ['receiving', 'checking']],
  ])('can be abandoned %s', ([, states]) => {
    expect(moved(...states).can('abandoned')).toBe(true)
  })

  test('that is being forwarded cannot be abandoned', () => {
    const progress = moved('receiving', 'checking', 'forwarding')
    expect(progress.can('abandoned')).toBe(false)
    expect(() => progress.move('abandoned')).toThrow('forwarding')
  })

  test('that was abandoned is not forwarded', () => {
    expect(() => moved('receiving', 'checking', 'abandoned').move('forwarding')).toThrow('abandoned')
  })

  test('keeps the name of its last step when it ends', () => {
    const progress = moved('receiving')
    progress.move('checking', 'secrets')
    progress.move('done')
    expect(progress.step).toBe('secrets')
  })
})
