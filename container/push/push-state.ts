/** Where a push is. */
export type PushState =
  | 'reading-commands'
  | 'rejected'
  | 'receiving'
  | 'checking'
  | 'forwarding'
  | 'done'
  | 'abandoned'

/**
 * The moves a push can make. `rejected` is a refusal that needed no pack. A forward is never abandoned: it ends as
 * upstream decides. `checking` leads to itself, one check after the other.
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

/** The one state of one push. */
export interface PushProgress {
  readonly state: PushState
  /** The step that is on record: `receiving`, a check's name, or `forwarding`. It stays when the push has ended. */
  readonly step: string
  can(next: PushState): boolean
  /** Throws on a move that a push cannot make. */
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
