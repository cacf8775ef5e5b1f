import type { LocatedMatch } from '../gitleaks/locate.ts'

/** Files in which package names, or words such as `Key`, precede checksums and ids. */
const FILES = /(?:^|\/)(?:Podfile\.lock|deno\.lock|verification-metadata\.xml|[^/]+\.refactorlog)$/i
/** A GUID, or a SHA-1 or SHA-256 digest in hex. */
const CHECKSUM = /^(?:[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i

/** Says whether a match is a checksum in such a file. Only gitleaks' generic rule takes it for a secret. */
export const isChecksum = ({ rule, item, encodings, secret }: LocatedMatch): boolean =>
  rule === 'generic-api-key' && encodings.length === 0 && FILES.test(item.path) && CHECKSUM.test(secret)
