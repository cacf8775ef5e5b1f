import type { LinkStep } from '../../src/contract/outcome.ts'
import type { Upstream } from '../../src/contract/pass.ts'
import { run } from '../process/spawn.ts'
import type { Settings } from '../settings.ts'
import type { SshLink } from '../upstream/ssh-link.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'
import type { Mirror } from './mirror.ts'

/** The timeout of all steps, in milliseconds. Clients wait longer, so the response names the step. */
const CHECK_MS = 45_000
/** The timeout of the mirror's refresh, in milliseconds. */
const READ_MS = 25_000

/** Checks each step from the companion to the upstream, in order. A failed step has the fix. */
export async function checkConnection(
  upstream: Upstream,
  mirror: Mirror,
  linkTo: () => Promise<SshLink>,
  settings: Settings,
): Promise<LinkStep[]> {
  const signal = AbortSignal.timeout(CHECK_MS)
  const steps: LinkStep[] = []
  const runStep = async (name: string, fix: string, act: () => Promise<string>) => {
    try {
      steps.push({ name, ok: true, detail: await act(), fix: '' })
      return true
    } catch (error) {
      const detail = error instanceof Error ? error.message : 'it failed'
      steps.push({ name, ok: false, detail, fix })
      return false
    }
  }
  const version = async (command: string, args: string[]) => {
    const ended = await run(command, args, {
      cwd: settings.home,
      env: { PATH: process.env.PATH ?? '' },
      signal,
    })
    if (ended.code !== 0) throw new Error(`${command} does not run`)
    return (ended.stdout.toString('utf8') || ended.stderr).trim().split('\n')[0] ?? ''
  }
  await runStep('git', 'install git', () => version('git', ['--version']))
  await runStep('gitleaks', 'run npm start once, or set GATE_GITLEAKS', () =>
    version(settings.gitleaks, ['version']),
  )
  await runStep('ssh', 'install openssh-client', () => version('ssh', ['-V']))
  const up = await runStep(
    'connection',
    `pin the host key (git gate repo set ${upstream.name} --known-hosts FILE) or add the deploy key (git gate identity list)`,
    async () => {
      await (await linkTo()).connect(signal)
      return `connected to the upstream of ${upstream.name} as identity "${upstream.identity}"`
    },
  )
  if (!up) return steps
  const read = await runStep('read', 'give the deploy key access to the repository', async () => {
    const readTimeout = AbortSignal.any([signal, AbortSignal.timeout(READ_MS)])
    try {
      await mirror.refresh(upstream, readTimeout)
      return 'the mirror is up to date'
    } catch (error) {
      if (!readTimeout.aborted || !mirror.initialFetch) throw error
      return 'the mirror is on its way from upstream, which takes longer than this check'
    }
  })
  if (!read) return steps
  await runStep('write', 'give the deploy key write access', async () => {
    const borrowed = await (await linkTo()).acquire(signal)
    try {
      // A dry run asks upstream's receive-pack for its advertisement, and upstream denies this to a read-only
      // key.
      const tried = await mirror.git.run(
        ['push', '--dry-run', '--porcelain', upstream.url, ':refs/heads/git-gate-does-not-exist'],
        {
          signal,
          env: borrowed.env,
        },
      )
      if (/remote ref does not exist/.test(tried.stderr) || tried.code === 0)
        return 'the upstream takes pushes'
      throw new UpstreamError(tried.stderr.trim().split('\n').slice(-2).join(' '))
    } finally {
      borrowed.release()
    }
  })
  return steps
}
