import { createHmac } from 'node:crypto'
import type { LocatedMatch } from '../gitleaks/locate.ts'

/**
 * Returns a key that no two places share. Display paths can be equal: a file may be named `a.zip!b` or `commit
 * message`.
 */
export const placeKey = ({ item, archivePath }: Pick<LocatedMatch, 'item' | 'archivePath'>) =>
  JSON.stringify([item.kind, item.path, ...archivePath])

/**
 * Returns a finding's fingerprint: 32 hex digits of HMAC-SHA-256 over repository, rule, place and secret. Commit and
 * line are not part of it, so it stays the same when a commit is amended or rebased, or when lines above change. Agents
 * and the ledger see fingerprints, and the key prevents trying out guesses at a weak secret. Under another key
 * exceptions no longer match, and the findings are refused again.
 */
export function fingerprint(match: LocatedMatch, repository: string, key: string): string {
  const hmac = createHmac('sha256', key)
  // A rule for a file's name matches no secret, so the blob's id stands for it.
  const secret = match.secret || (match.item.blob ?? '')
  for (const part of [repository.toLowerCase(), match.rule, placeKey(match), secret])
    hmac.update(`${Buffer.byteLength(part)}:`).update(part)
  return hmac.digest('hex').slice(0, 32)
}
