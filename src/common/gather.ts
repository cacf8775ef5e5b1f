import { withTimeout } from './with-timeout.ts'

/** The time for which questions are gathered, in milliseconds. */
const GATHER_MS = 5

/** The longest wait for a shared answer, in milliseconds: the request that asks for all may be lost. */
const SHARED_MS = 2_000

/** Keeps the request that asks for all alive until it has the answer, as `ExecutionContext.waitUntil` does. */
type WaitUntil = (work: Promise<unknown>) => void

/**
 * Asks for the requests of a few milliseconds together, by one call of `ask`. The call begins after each of its
 * questions has come, so no answer is older than its question. A question whose answer is late is asked again by
 * itself, so `ask` has to be idempotent.
 */
export function gathering<Q, A>(
  ask: (questions: readonly Q[]) => Promise<A>,
): (question: Q, waitUntil: WaitUntil) => Promise<A> {
  let open: { readonly questions: Q[]; readonly answer: Promise<A> } | undefined
  const begin = () => {
    const questions: Q[] = []
    const answer = new Promise(resolve => setTimeout(resolve, GATHER_MS)).then(() => {
      open = undefined
      return ask(questions)
    })
    return { questions, answer }
  }
  return async (question, waitUntil) => {
    const current = open ?? begin()
    current.questions.push(question)
    if (current !== open) {
      open = current
      waitUntil(current.answer.catch(() => {}))
    }
    const answer = await withTimeout(SHARED_MS, current.answer, LATE)
    if (answer !== LATE) return answer
    if (open === current) open = undefined
    return ask([question])
  }
}

const LATE = Symbol('late')
