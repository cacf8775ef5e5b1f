import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { gitleaks } from '../bench-fixture.ts'

async function run(args: readonly string[], cwd: string): Promise<void> {
  const child = spawn(gitleaks, [...args, '--no-banner', '--log-level=error', '--exit-code=77'], {
    cwd,
    stdio: 'ignore',
  })
  const [code] = await once(child, 'close')
  if (code !== 0 && code !== 77) throw new Error(`gitleaks ${args[0]} ended with ${code}`)
}

/** Runs gitleaks over the last commit, as a developer or a hook would. */
export const bareScanOfCommit = (repository: string) => run(['git', '--log-opts=-1 HEAD', '.'], repository)

/** Runs gitleaks over the files in a folder. */
export const bareScanOfFiles = (folder: string) => run(['dir', '.'], folder)
