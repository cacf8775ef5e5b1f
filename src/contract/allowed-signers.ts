import { z } from 'zod'

const BEGIN = '-----BEGIN PGP PUBLIC KEY BLOCK-----'
const END = '-----END PGP PUBLIC KEY BLOCK-----'

/** The two kinds of keys that may sign: lines of an allowed-signers file (ssh-keygen(1)), and armored OpenPGP keys. */
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
  // A block without an end is no key; left among the lines, it is refused.
  return { ssh: [...ssh, ...block].join('\n'), openPgp }
}

/** Whose signatures count; empty: none is asked for. */
export const AllowedSigners = z
  .string()
  .max(64_000)
  .refine(
    signers => !/-----(BEGIN|END) /.test(splitSigners(signers).ssh),
    'keys are public ones: lines of an allowed-signers file, or whole OpenPGP keys as gpg --armor --export prints them',
  )
