/** State of a push, from its first byte to its outcome. */
export type PushState =
  | 'reading-commands'
  | 'ended-early'
  | 'receiving'
  | 'checking'
  | 'forwarding'
  | 'done'
  | 'abandoned'

/**
 * Allowed transitions. `ended-early`: the push ended before git was started, with any outcome. `checking` leads to
 * itself: the checks run one after another. `forwarding` never leads to `abandoned`: upstream decides how a forward
 * ends.
 */
const MOVES: Readonly<Record<PushState, readonly PushState[]>> = {
  'reading-commands': ['ended-early', 'receiving', 'abandoned'],
  receiving: ['checking', 'done', 'abandoned'],
  checking: ['checking', 'forwarding', 'done', 'abandoned'],
  forwarding: ['done'],
  'ended-early': [],
  done: [],
  abandoned: [],
}

/** State machine of one push. */
export interface PushStateMachine {
  readonly current: PushState
  /**
   * Name of the recorded step: `receiving`, a check's name, or `forwarding`. It keeps its value after the
   * push has ended.
   */
  readonly step: string
  can(next: PushState): boolean
  /** Throws on a transition that MOVES does not list. */
  move(next: PushState, step?: string): void
}

export function createPushState(): PushStateMachine {
  let state: PushState = 'reading-commands'
  let step = 'receiving'
  const can = (next: PushState) => MOVES[state].includes(next)
  return {
    get current() {
      return state
    },
    get step() {
      return step
    },
    can,
    move(next, name = step) {
      if (!can(next)) throw new Error(`a push that is ${state} cannot be ${next}`)
      state = next
      step = name
    },
  }
}
