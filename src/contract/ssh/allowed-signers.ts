import { z } from 'zod'
import { KEY_TYPES } from './known-hosts.ts'

const BEGIN = '-----BEGIN PGP PUBLIC KEY BLOCK-----'
const END = '-----END PGP PUBLIC KEY BLOCK-----'

/**
 * Splits allowed signers into the lines of an allowed-signers file (ssh-keygen(1)) and the armored OpenPGP
 * keys.
 */
export function splitSigners(signers: string): { readonly ssh: string; readonly openPgp: readonly string[] } {
  const ssh: string[] = []
  const openPgp: string[] = []
  let block: string[] = []
  for (const line of signers.split('\n')) {
    const mark = line.trimEnd()
    if (block.length === 0 && mark !== BEGIN) {
      ssh.push(line)
      continue
    }
    block.push(line)
    if (mark !== END) continue
    openPgp.push(block.join('\n'))
    block = []
  }
  // A block without END stays among the SSH lines, where AllowedSigners rejects its BEGIN line.
  return { ssh: [...ssh, ...block].join('\n'), openPgp }
}

/** The public keys that may sign commits. Empty: commits need no signature. */
export const AllowedSigners = z
  .string()
  .max(64_000)
  .refine(
    signers => splitSigners(signers).ssh.split('\n').every(isSignerLine),
    'keys are public ones: lines of an allowed-signers file (ada@acme.example ssh-ed25519 AAAA…), or whole OpenPGP keys as gpg --armor --export prints them',
  )

/** Returns whether a line is blank, a comment, or has principals, options, and a key after them. */
function isSignerLine(line: string): boolean {
  const fields = line.trim().split(/[ \t]+/)
  if (line.trim() === '' || line.trimStart().startsWith('#')) return true
  return fields.some(
    (field, at) => at > 0 && KEY_TYPES.test(field) && /^[A-Za-z0-9+/]+={0,2}$/.test(fields[at + 1] ?? ''),
  )
}
