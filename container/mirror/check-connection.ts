import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import type { ConnectionStep } from '../../src/contract/outcome.ts'
import { isHttps } from '../../src/contract/upstream.ts'
import { run } from '../process/spawn.ts'
import { withAbort } from '../process/with-abort.ts'
import type { Settings } from '../settings.ts'
import type { Link } from '../upstream/link.ts'
import { toUpstreamError } from '../upstream/to-upstream-error.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'
import type { Mirror } from './mirror.ts'

/** The timeout of all steps, in milliseconds. Clients wait longer, so the response names the step. */
const CHECK_MS = 45_000
/** The timeout of the mirror's refresh, in milliseconds. */
const READ_MS = 25_000
/** A first fetch that takes longer, in milliseconds, is reported as under way. */
const FIRST_FETCH_MS = 3_000

const NO_FIX_HERE = 'nothing to change at the gate: check the upstream and the network, then try again'

/** Returns the cause and the fix. The fix of an upstream's error is more exact than the step's. */
function causeOf(error: unknown, fix: string): Pick<ConnectionStep, 'detail' | 'fix'> {
  if (error instanceof UpstreamError) {
    const mayPass = error.message !== error.problem
    return { detail: error.problem, fix: error.fix || (mayPass ? NO_FIX_HERE : fix) }
  }
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return { detail: 'the upstream did not answer in time', fix: NO_FIX_HERE }
  return { detail: error instanceof Error ? error.message : 'it failed', fix }
}

/** Checks each step from the companion to the upstream, in order. A failed step has the fix. */
export async function checkConnection(
  upstream: Upstream,
  mirror: Mirror,
  linkTo: () => Promise<Link>,
  settings: Settings,
): Promise<ConnectionStep[]> {
  const signal = AbortSignal.timeout(CHECK_MS)
  const steps: ConnectionStep[] = []
  const runStep = async (name: string, fix: string, act: () => Promise<string>) => {
    try {
      steps.push({ name, ok: true, detail: await act(), fix: '' })
      return true
    } catch (error) {
      steps.push({ name, ok: false, ...causeOf(error, fix) })
      return false
    }
  }
  const version = async (command: string, args: string[]) => {
    const ended = await run(command, args, {
      cwd: settings.home,
      env: { PATH: process.env.PATH ?? '' },
      signal,
    }).catch(() => undefined)
    if (ended?.code !== 0) throw new Error(`${command} is missing, or does not run`)
    return (ended.stdout.toString('utf8') || ended.stderr).trim().split('\n')[0] ?? ''
  }
  await runStep('git', 'install git', () => version('git', ['--version']))
  await runStep('gitleaks', 'run npm start once, or set GATE_GITLEAKS', () =>
    version(settings.gitleaks, ['version']),
  )
  const { fixes, ...words } = isHttps(upstream.url) ? httpsWords(upstream) : sshWords(upstream)
  if (words.program) await runStep('ssh', 'install openssh-client', () => version('ssh', ['-V']))
  const up = await runStep(words.step, fixes.connect, async () => {
    await (await linkTo()).connect(signal)
    return words.connected
  })
  if (!up) return steps
  const read = await runStep('read', fixes.read, () => readUpstream(upstream, mirror, signal))
  if (!read) return steps
  await runStep('write', fixes.write, async () => {
    const lease = await (await linkTo()).acquire(signal)
    try {
      // A dry run asks upstream's receive-pack for its advertisement, and upstream denies this to a read-only
      // key.
      const tried = await mirror.git.run(
        ['push', '--dry-run', '--porcelain', upstream.url, ':refs/heads/git-gate-does-not-exist'],
        {
          signal,
          ...lease.git,
        },
      )
      if (/remote ref does not exist/.test(tried.stderr) || tried.code === 0)
        return 'the upstream takes pushes'
      throw toUpstreamError(upstream, tried.stderr)
    } finally {
      lease.release({ broken: signal.aborted })
    }
  })
  return steps
}

/** Refreshes the mirror. Returns the progress of a first fetch that takes long; the fetch goes on. */
async function readUpstream(upstream: Upstream, mirror: Mirror, signal: AbortSignal): Promise<string> {
  const timeout = AbortSignal.any([signal, AbortSignal.timeout(READ_MS)])
  const refreshed = mirror.refresh(upstream, timeout)
  const late = AbortSignal.timeout(FIRST_FETCH_MS)
  try {
    await withAbort(refreshed, late)
  } catch (error) {
    if (error !== late.reason && !timeout.aborted) throw error
    if (!mirror.firstFetch) await refreshed
  }
  if (!mirror.firstFetch) return 'the mirror is up to date'
  const { progress, since } = mirror.firstFetch
  const seconds = Math.round((Date.now() - since) / 1000)
  return `the first fetch has been under way for ${seconds} s${progress.now && `: ${progress.now}`}`
}

/** The names of a transport's steps, and their fixes. */
interface TransportWords {
  readonly program: boolean
  readonly step: string
  readonly connected: string
  readonly fixes: { readonly connect: string; readonly read: string; readonly write: string }
}

const sshWords = ({ name, identity }: Upstream): TransportWords => ({
  program: true,
  step: 'connection',
  connected: `connected to the upstream of ${name} as identity "${identity}"`,
  fixes: {
    connect: `pin the host key (git gate repo set ${name} --known-hosts FILE) or add the deploy key (git gate identity list)`,
    read: 'give the deploy key access to the repository',
    write: 'give the deploy key write access',
  },
})

function httpsWords({ name, credential }: Upstream): TransportWords {
  const [credentialName, user] = [credential?.name, credential?.user]
  const renew = `git gate credential set ${credentialName} --user ${user}`
  return {
    program: false,
    step: 'credential',
    connected: `the gate has a token of the credential "${credentialName}", for the user ${user}`,
    fixes: {
      connect: `set the credential again: ${credential?.app ? `git gate credential set ${credentialName} --github-app ID --installation ID` : renew}`,
      read: `give the credential access to the repository of ${name} at the host, or set a new token: ${renew}`,
      write: `give the credential write access to the repository of ${name} at the host`,
    },
  }
}
