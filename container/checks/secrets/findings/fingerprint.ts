import { createHmac } from 'node:crypto'
import type { LocatedMatch } from '../gitleaks/locate.ts'

/** The same as no two places share it: a file may be named like a way into an archive, or `commit message`. */
export const placeKey = ({ item, archivePath: inner }: Pick<LocatedMatch, 'item' | 'archivePath'>) =>
  JSON.stringify([item.kind, item.path, ...inner])

/**
 * A finding's name: 32 hex digits of HMAC-SHA-256 over repository, rule, place and secret. Commit and line are not in
 * it, so it stays the same when a commit is amended or rebased, or the file grows above it. It is keyed, since a
 * fingerprint is shown to agents and kept in the ledger: without the key nobody can try out guesses at a weak secret.
 * Under another key exceptions no longer match, and the findings are refused again.
 */
export function fingerprint(found: LocatedMatch, repository: string, key: string): string {
  const hmac = createHmac('sha256', key)
  // A rule that goes by a file's name alone finds no secret in it: all of the file is.
  const secret = found.secret || (found.item.blob ?? '')
  for (const part of [repository.toLowerCase(), found.rule, placeKey(found), secret])
    hmac.update(`${Buffer.byteLength(part)}:`).update(part)
  return hmac.digest('hex').slice(0, 32)
}
