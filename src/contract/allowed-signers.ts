import { z } from 'zod'

const KEY_BLOCK = /^-----BEGIN PGP PUBLIC KEY BLOCK-----\s*$[\s\S]*?^-----END PGP PUBLIC KEY BLOCK-----\s*$/gm

/** The two kinds of keys that may sign: lines of an allowed-signers file (ssh-keygen(1)), and armored OpenPGP keys. */
export function keysIn(signers: string): { readonly ssh: string; readonly openPgp: readonly string[] } {
  return { ssh: signers.replace(KEY_BLOCK, ''), openPgp: signers.match(KEY_BLOCK) ?? [] }
}

/** Whose signatures count; empty: none is asked for. */
export const AllowedSigners = z
  .string()
  .max(64_000)
  .refine(
    signers => !/-----(BEGIN|END) /.test(keysIn(signers).ssh),
    'keys are public ones: lines of an allowed-signers file, or whole OpenPGP keys as gpg --armor --export prints them',
  )
