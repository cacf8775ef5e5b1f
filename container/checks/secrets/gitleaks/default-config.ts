import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'

/** The default configuration of the gitleaks that container/gitleaks/go.mod names. */
const FIRST_LINE = '# This file has been auto-generated. Do not edit manually.'
const LENGTH = 97_731
const SHA256 = 'e163e53b9e7e8a8511e77271e2b323ed057759542a6d988258afe3a1fa329caf'

/**
 * Returns gitleaks' default configuration, which its binary holds as text. Undefined: the binary holds another one, or
 * none.
 */
export async function defaultConfigOf(gitleaks: string): Promise<string | undefined> {
  // A name that is not a path, or a file that cannot be read: starting it shows whether that is an error.
  const binary = await readFile(gitleaks).catch(() => undefined)
  if (!binary) return undefined
  const start = binary.indexOf(FIRST_LINE)
  if (start < 0) return undefined
  const config = binary.subarray(start, start + LENGTH)
  return createHash('sha256').update(config).digest('hex') === SHA256 ? config.toString('utf8') : undefined
}
