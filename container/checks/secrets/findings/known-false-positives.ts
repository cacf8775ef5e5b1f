import type { LocatedMatch } from '../gitleaks/locate.ts'

/** Files in which names of packages, or words such as `Key`, stand before checksums and ids. */
const FILES = /(?:^|\/)(?:Podfile\.lock|deno\.lock|verification-metadata\.xml|[^/]+\.refactorlog)$/i
/** A GUID, or a digest of SHA-1 or SHA-256 in hex. */
const CHECKSUM = /^(?:[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i

/** Is it what such a file is made of? Only gitleaks' rule for anything that looks like a key takes it for a secret. */
export const isChecksum = ({ rule, item, encodings: how, secret }: LocatedMatch): boolean =>
  rule === 'generic-api-key' && how.length === 0 && FILES.test(item.path) && CHECKSUM.test(secret)
