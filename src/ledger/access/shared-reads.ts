import { gathering } from '../../common/gather.ts'
import { type AccessQuestion, type FoundAccess, findTokenAndGrant } from './token-and-grant.ts'

interface PendingQuestion {
  readonly db: D1Database
  readonly question: AccessQuestion
}

type Answers = ReadonlyMap<string, Promise<FoundAccess | undefined>>

/** Asks each different question once. */
const readAll = gathering(async (questions: readonly PendingQuestion[]): Promise<Answers> => {
  const answers = new Map<string, Promise<FoundAccess | undefined>>()
  for (const { db, question } of questions) {
    const key = keyOf(question)
    if (!answers.has(key)) answers.set(key, findTokenAndGrant(db, question))
  }
  await Promise.allSettled(answers.values())
  return answers
})

/**
 * Finds a token and its agent's access as findTokenAndGrant does. Requests at once that ask the same share a query,
 * which begins after each of them has come: an agent transfers hundreds of LFS objects with the same token.
 */
export async function findTokenAndGrantTogether(
  db: D1Database,
  question: AccessQuestion,
  waitUntil: (work: Promise<unknown>) => void,
): Promise<FoundAccess | undefined> {
  const answers = await readAll({ db, question }, waitUntil)
  return answers.get(keyOf(question))
}

const keyOf = ({ tokenId, repository, user, ignoresCase }: AccessQuestion) =>
  JSON.stringify([tokenId, repository, user, ignoresCase])
