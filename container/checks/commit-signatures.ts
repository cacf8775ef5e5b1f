import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { splitSigners } from '../../src/contract/ssh/allowed-signers.ts'
import { run } from '../process/spawn.ts'
import { GateFault, type IncomingPush } from './check.ts'

/** The commits that one git process verifies. Each takes some hundredths of a second. */
const COMMITS_PER_RUN = 200

/**
 * The configuration of a keyring for one push. Every key in it is trusted, since an operator gave it. gpg fetches
 * nothing and starts no other process (gpg(1)).
 */
const GPG_CONF = `batch
no-tty
no-autostart
disable-dirmngr
no-auto-key-retrieve
no-auto-key-import
trust-model always
`

/**
 * Returns the commits that git does not find signed by an allowed key, each with git's letter for it: N not signed, B
 * bad, U unknown, X and Y expired, R revoked, E cannot be checked. git-verify-commit(1) decides.
 */
export async function unverifiedCommits(
  push: IncomingPush,
  commits: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const { args, env } = await createVerifier(push, signal)
  const areVerified = async (batch: readonly string[]) => {
    const result = await push.git.run([...args, 'verify-commit', ...batch], { signal, env })
    if (result.code === null || /^error: (?:cannot run|.* died of signal) /m.test(result.stderr))
      throw new GateFault('the gate could not check signatures: the verifier did not run to its end')
    return result.code === 0
  }
  const statusOf = async (commit: string) => {
    const log = [...args, 'log', '-1', '--no-show-signature', '--format=%G?', commit]
    const { code, stdout } = await push.git.run(log, { signal, env })
    return code === 0 ? stdout.toString('latin1').trim() : 'E'
  }
  const unverified = new Map<string, string>()
  for (let start = 0; start < commits.length; start += COMMITS_PER_RUN) {
    const batch = commits.slice(start, start + COMMITS_PER_RUN)
    if (await areVerified(batch)) continue
    for (const commit of batch)
      if (!(await areVerified([commit]))) unverified.set(commit, await statusOf(commit))
  }
  return unverified
}

/** Writes the files with which git verifies by the grant's keys, and by no others. */
async function createVerifier(push: IncomingPush, signal: AbortSignal) {
  const { ssh, openPgp } = splitSigners(push.pass.terms.allowedSigners)
  const signers = join(push.scratch, 'allowed-signers')
  const home = join(push.scratch, 'gnupg')
  await writeFile(signers, `${ssh}\n`, { mode: 0o600 })
  await mkdir(home, { mode: 0o700 })
  await writeFile(join(home, 'gpg.conf'), GPG_CONF, { mode: 0o600 })
  const env = { GNUPGHOME: home }
  for (const key of openPgp) await importKey(key, { cwd: home, env: { ...push.git.env, ...env }, signal })
  return {
    args: ['-c', `gpg.ssh.allowedSignersFile=${signers}`, '-c', 'gpg.x509.program=false'],
    env,
  }
}

async function importKey(
  key: string,
  options: { cwd: string; env: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<void> {
  const result = await run('gpg', ['--status-fd', '1', '--import'], { ...options, input: `${key}\n` }).catch(
    (error: unknown) => {
      options.signal.throwIfAborted()
      throw new GateFault('the gate could not check signatures: it has no gpg', { cause: error })
    },
  )
  if (result.code !== 0 || !/^\[GNUPG:\] IMPORT_OK /m.test(result.stdout.toString('latin1')))
    throw new GateFault('the gate could not check signatures: an OpenPGP key of the grant cannot be read')
}
