import type { Phase } from '../fixtures/held-push.ts'
import { hangOnWholePacks } from '../fixtures/slow/hung-git.ts'
import type { Behaviour } from '../fixtures/slow/slow-gitleaks.ts'
import type { Fault } from './fault.ts'

/** Kills workerd (SIGKILL), and restarts it when the client has ended. */
export const workerKilled = (phase: Phase): Fault => ({
  words: 'Worker killed',
  phase,
  spares: ['git://'],
  inject: async ({ gate }) => (await gate.killWorker()).startAgain,
})

/** Kills the companion (SIGKILL); the launcher restarts it. */
export const companionKilled = (phase: Phase): Fault => ({
  words: 'companion killed',
  phase,
  async inject({ gate }) {
    process.kill(gate.companion.pid, 'SIGKILL')
    return () => {}
  },
})

const BEHAVES = { killed: 'is killed', hangs: 'hangs', missing: 'is missing' } as const

export const gitleaksIs = (behaviour: keyof typeof BEHAVES & Behaviour): Fault => ({
  words: `gitleaks ${BEHAVES[behaviour]}`,
  async inject({ gitleaks }) {
    gitleaks.be(behaviour)
    return () => gitleaks.be('real')
  },
})

export const gitHangs: Fault = {
  words: 'git hangs on the whole pack',
  phase: 'mid-pack, 2 MB',
  inject: hangOnWholePacks,
}
