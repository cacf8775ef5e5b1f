import { execFile } from 'node:child_process'
import fs from 'node:fs'
import { promisify } from 'node:util'

/** An SSH key of an operator's own, made in `file`. */
export async function makeKey(file: string): Promise<{ privateKey: string; publicKey: string }> {
  await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', file])
  return {
    privateKey: fs.readFileSync(file, 'utf8'),
    publicKey: fs.readFileSync(`${file}.pub`, 'utf8').trim(),
  }
}
