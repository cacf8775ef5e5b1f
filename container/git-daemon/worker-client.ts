import { CALL_PATH, type Call, signCall } from '../../src/contract/companion-api/companion-call.ts'
import { type PassFor, readPass } from '../../src/contract/companion-api/pass.ts'
import type { AgentName, RepositoryName } from '../../src/contract/names.ts'
import { withAbort } from '../process/with-abort.ts'
import type { WorkerChannel } from '../push/worker-channel.ts'
import type { Settings } from '../settings.ts'

/** The Worker refused the agent or could not be reached. The message is for the agent. */
export class AccessDenied extends Error {}

const ANSWER_TIMEOUT_MS = 15_000

/** The Worker's calls for `git://` clients. */
export interface Worker {
  /** Requests a pass for the agent, by its current grant. Rejects with AccessDenied. */
  passFor<S extends Extract<Call, { call: 'pass' }>['service']>(
    service: S,
    repository: RepositoryName,
    clientAddress: string,
  ): Promise<PassFor<S>>
  /**
   * Returns the channel for a push's events. The companion only calls the Worker, which then asks for the
   * report.
   */
  channelFor(pass: PassFor<'git-receive-pack'>): WorkerChannel
}

export function workerAt(url: string, agent: AgentName, { passKey }: Pick<Settings, 'passKey'>): Worker {
  const call = async (claims: Parameters<typeof signCall>[0]) =>
    fetch(new URL(CALL_PATH, url), {
      method: 'POST',
      body: await signCall(claims, passKey, Date.now() / 1000),
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    })
  return {
    async passFor(service, repository, clientAddress) {
      const answer = await call({ call: 'pass', service, repository, agent, clientAddress }).catch(() => {
        throw new AccessDenied('the gate cannot reach its Worker; try again in a few seconds')
      })
      const text = await answer.text()
      if (!answer.ok)
        throw new AccessDenied(
          text
            .trim()
            .replace(/^git-gate: /, '')
            .slice(0, 500),
        )
      const read = await readPass(text, passKey, Date.now() / 1000)
      if (!read.ok || read.pass.service !== service) throw new AccessDenied('the Worker answered oddly')
      return read.pass as PassFor<typeof service>
    },
    channelFor: ({ id, repository }) => ({
      // A lost call does no harm: the Worker's sweep asks for the report later.
      sendEvent: notifyPushChanged(() =>
        call({ call: 'push-changed', repository: repository.name, push: id }),
      ),
      async askPermission(signal) {
        const permission = call({ call: 'permission', push: id }).then(async answer =>
          readPass(await answer.text(), passKey, Date.now() / 1000),
        )
        const read = await withAbort(
          permission.catch(() => undefined),
          signal,
        )
        if (!read?.ok || read.pass.service !== 'permit-push' || read.pass.push !== id)
          return { decision: 'unavailable' }
        return read.pass.permission
      },
    }),
  }
}

/**
 * Notifies the Worker of new events, one call at a time. Events that occur during a call share the next call.
 * Only the last events, `ended` and `pull-request`, are awaited.
 */
function notifyPushChanged(call: () => Promise<unknown>): WorkerChannel['sendEvent'] {
  let running: Promise<unknown> | undefined
  let next: Promise<unknown> | undefined
  const follow = async () => {
    await running
    running = next
    next = undefined
    await call().catch(() => {})
  }
  return async ({ event }) => {
    next ??= follow()
    if (event === 'ended' || event === 'pull-request') await next
  }
}
