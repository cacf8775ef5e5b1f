import type { Budget } from '../bytes/budget.ts'
import { containsText, dropZeroBytes, isText } from '../bytes/is-text.ts'
import type { WorthDecoding } from '../decode/decoded-block.ts'
import { containsStream, startsLikeStream } from '../unpack/find-streams.ts'

/** No shorter compressed stream holds a secret, in bytes. */
const MIN_COMPRESSED = 40

/** The texts of a push that are decoded. */
const worthOfPush = new WeakMap<Budget, WorthDecoding>()

/** Returns which decoded bytes are scanned. The words that decode to nothing are remembered for the whole push. */
export function worthOf(budget: Budget): WorthDecoding {
  const cached = worthOfPush.get(budget)
  if (cached) return cached
  const worth = createWorth(budget)
  worthOfPush.set(budget, worth)
  return worth
}

const createWorth = (budget: Budget): WorthDecoding => ({
  worthless: new Set(),
  prefix(prefix) {
    if (startsLikeStream(prefix) || isText(prefix)) return true
    const withoutZeros = dropZeroBytes(prefix)
    return withoutZeros !== prefix && isText(withoutZeros)
  },
  content: content =>
    containsText(content) || (content.length >= MIN_COMPRESSED && containsStream(content, budget)),
})
