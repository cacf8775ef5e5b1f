import type { Permission } from '../../src/contract/companion-api/push-event.ts'
import type { Check, IncomingPush } from '../checks/index.ts'
import { PUSH_AGAIN } from '../git/clone-commands.ts'
import type { CommandList } from '../git/command-list.ts'
import { refuseByCommands } from './receive/judge-commands.ts'
import { couldNotCheck, pushRefusal, refused, type Verdict } from './verdict.ts'

/** Timeout for the Worker's permission to forward a checked push, in milliseconds. */
const PERMISSION_MS = 15_000

/** Checked pushes that wait for the Worker's permission, by push id. */
export interface Permissions {
  /**
   * Resolves with the permission, or with `unavailable` after PERMISSION_MS. Rejects with the signal's reason.
   */
  wait(id: string, signal: AbortSignal): Promise<Permission>
  /** Hands the permission to the push that waits for it. Returns false if no push with that id waits. */
  settle(id: string, permission: Permission): boolean
}

export function createPermissions(): Permissions {
  const waiting = new Map<string, (permission: Permission) => void>()
  return {
    wait: (id, signal) =>
      new Promise((resolve, reject) => {
        const settle = (act: () => void) => {
          clearTimeout(late)
          signal.removeEventListener('abort', aborted)
          waiting.delete(id)
          act()
        }
        const aborted = () => settle(() => reject(signal.reason))
        const late = setTimeout(() => settle(() => resolve({ decision: 'unavailable' })), PERMISSION_MS)
        signal.addEventListener('abort', aborted)
        waiting.set(id, permission => settle(() => resolve(permission)))
        if (signal.aborted) aborted()
      }),
    settle(id, permission) {
      const resolve = waiting.get(id)
      resolve?.(permission)
      return resolve !== undefined
    },
  }
}

/**
 * Judges a checked push by the ledger's current state: the token, the grant or an exception may have been
 * revoked during the checks. Returns undefined if the push may be forwarded.
 */
export async function judgePermission(
  permission: Permission,
  push: IncomingPush,
  list: CommandList,
  checks: readonly Check[],
  signal: AbortSignal,
): Promise<Verdict | undefined> {
  const { commands, pass, record } = push
  if (permission.decision === 'unavailable')
    return couldNotCheck(commands, 'the ledger did not answer whether it may still be forwarded')
  if (permission.decision === 'refuse')
    return refused(commands, [
      pushRefusal(permission.reason, ['ask an operator; nothing of this push was forwarded']),
    ])
  if (permission.url !== pass.repository.url)
    return refused(commands, [
      pushRefusal("the repository's upstream was changed during the push", [PUSH_AGAIN]),
    ])
  const revoked = record.exceptionsUsed.filter(id => !permission.exceptions.includes(id))
  if (revoked.length)
    return refused(commands, [
      pushRefusal(`an exception that it needs is no longer in force: ${revoked.join(', ')}`, [
        'push again: the finding is then shown',
      ]),
    ])
  const { terms } = permission
  if (JSON.stringify(terms) === JSON.stringify(pass.terms)) return undefined
  return judgeByTerms({ ...push, pass: { ...pass, terms } }, list, checks, signal)
}

/** Repeats the checks that depend on the grant, after the grant has changed. */
async function judgeByTerms(
  push: IncomingPush,
  list: CommandList,
  checks: readonly Check[],
  signal: AbortSignal,
): Promise<Verdict | undefined> {
  const refusal = refuseByCommands(list, push.pass)
  if (refusal) return refusal
  for (const check of checks.filter(check => check.dependsOnGrant)) {
    const refusals = await check.run(push, () => {}, signal)
    signal.throwIfAborted()
    if (refusals.length) return refused(push.commands, refusals)
  }
  return undefined
}
