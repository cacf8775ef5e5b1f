import { z } from 'zod'

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
    signers => !/-----(BEGIN|END) /.test(splitSigners(signers).ssh),
    'keys are public ones: lines of an allowed-signers file, or whole OpenPGP keys as gpg --armor --export prints them',
  )
