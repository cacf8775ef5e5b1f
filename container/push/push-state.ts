/** State of a push, from its first byte to its outcome. */
export type PushState =
  | 'reading-commands'
  | 'rejected'
  | 'receiving'
  | 'checking'
  | 'forwarding'
  | 'done'
  | 'abandoned'

/**
 * Allowed transitions. `rejected` is a refusal before the pack is read. `checking` leads to itself: the
 * checks run one after another. `forwarding` never leads to `abandoned`: upstream decides how a forward ends.
 */
const MOVES: Readonly<Record<PushState, readonly PushState[]>> = {
  'reading-commands': ['rejected', 'receiving', 'abandoned'],
  receiving: ['checking', 'done', 'abandoned'],
  checking: ['checking', 'forwarding', 'done', 'abandoned'],
  forwarding: ['done'],
  rejected: [],
  done: [],
  abandoned: [],
}

/** State machine of one push. */
export interface PushProgress {
  readonly state: PushState
  /**
   * Name of the recorded step: `receiving`, a check's name, or `forwarding`. It keeps its value after the
   * push has ended.
   */
  readonly step: string
  can(next: PushState): boolean
  /** Throws on a transition that MOVES does not list. */
  move(next: PushState, step?: string): void
}

export function createProgress(): PushProgress {
  let state: PushState = 'reading-commands'
  let step = 'receiving'
  const can = (next: PushState) => MOVES[state].includes(next)
  return {
    get state() {
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
