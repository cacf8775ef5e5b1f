import { settingsOf } from '../common/settings.ts'
import { withTimeout } from '../common/with-timeout.ts'
import type { Upstream } from '../contract/companion-api/pass.ts'
import { CompanionStatus } from '../contract/companion-api/status.ts'
import { newId } from '../ledger/id.ts'
import { repositoriesInUse } from '../ledger/pushes/active-repositories.ts'
import { askCompanion } from './ask-companion.ts'

/**
 * State of a companion. A container that does not run is `stopped`, and a status request does not start it.
 */
export type CompanionState =
  | { readonly state: 'running'; readonly status: CompanionStatus }
  | { readonly state: 'stopped' | 'unreachable' }

/** Timeout of a status request, in milliseconds. */
const STATUS_MS = 1_500

/** Returns the state of a repository's companion, with the status of that repository only. */
export const statusOf = (env: Env, upstream: Upstream): Promise<CompanionState> =>
  queryState(env, upstream.name, upstream)

/**
 * Returns the states of all companions that may be running, with all of their repositories: the companion at
 * GATE_COMPANION_URL, or the containers of the repositories that were used recently enough for a container to
 * be still running.
 */
export async function allStatuses(env: Env): Promise<CompanionState[]> {
  const { GATE_COMPANION_URL, GATE_CONTAINER_IDLE_SECONDS } = settingsOf(env)
  if (GATE_COMPANION_URL !== undefined) return [await queryState(env, '')]
  const since = Date.now() - 2 * GATE_CONTAINER_IDLE_SECONDS * 1000
  const repositories = await repositoriesInUse(env.LEDGER, since)
  return Promise.all(repositories.map(name => queryState(env, name)))
}

/** Asks a companion for its status. `by` is the repository whose Durable Object is asked. */
async function queryState(env: Env, by: string, upstream?: Upstream): Promise<CompanionState> {
  const signal = AbortSignal.timeout(STATUS_MS)
  const query = async (): Promise<CompanionState> => {
    const answer = await askCompanion(env, by, { service: 'status', id: newId(), of: upstream }, { signal })
    if (answer.status === 404) return { state: 'stopped' }
    if (!answer.ok) throw new Error(`the companion answered with ${answer.status}`)
    return { state: 'running', status: CompanionStatus.parse(await answer.json()) }
  }
  const unreachable: CompanionState = { state: 'unreachable' }
  return withTimeout(
    STATUS_MS,
    query().catch(() => unreachable),
    unreachable,
  )
}
