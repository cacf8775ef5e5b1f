import type { RepositoryName } from '../contract/names.ts'
import { findRepository } from '../ledger/access/repositories.ts'
import { notFound } from './problem.ts'

/** Returns a repository's name as the ledger has it; null stays null. Throws a 404 if there is none. */
export async function canonicalRepository(
  ledger: D1Database,
  repository: string | null,
): Promise<RepositoryName | null> {
  if (repository === null) return null
  const found = await findRepository(ledger, repository)
  if (!found) throw notFound(`repository ${repository}`, 'repo')
  return found.name
}
