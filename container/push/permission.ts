import type { Permission } from '../../src/contract/push-event.ts'
import type { Check, IncomingPush } from '../checks/index.ts'
import type { CommandList } from '../git/command-list.ts'
import { refuseByCommands } from './early.ts'
import { couldNotCheck, pushRefusal, refused, type Verdict } from './verdict.ts'

/** A push that has been checked waits this long to be told whether it may be forwarded, in milliseconds. */
export const PERMISSION_MS = 15_000

/** The checked pushes that wait for the Worker's permission, by push id. */
export interface Permissions {
  /** Resolves with the permission, or with `unknown` when none comes within PERMISSION_MS. */
  wait(id: string, signal: AbortSignal): Promise<Permission>
  /** False: no push of that id waits for one. */
  give(id: string, permission: Permission): boolean
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
        const late = setTimeout(() => settle(() => resolve({ may: 'unknown' })), PERMISSION_MS)
        signal.addEventListener('abort', aborted)
        waiting.set(id, permission => settle(() => resolve(permission)))
        if (signal.aborted) aborted()
      }),
    give(id, permission) {
      const give = waiting.get(id)
      give?.(permission)
      return give !== undefined
    },
  }
}

const AGAIN = ['push again']

/**
 * Judges a checked push by the ledger's present word: the token, the grant and the exceptions that it was checked by
 * may have gone meanwhile. Undefined: it may be forwarded.
 */
export async function judgePermission(
  permission: Permission,
  push: IncomingPush,
  list: CommandList,
  checks: readonly Check[],
  signal: AbortSignal,
): Promise<Verdict | undefined> {
  const { commands, pass, record } = push
  if (permission.may === 'unknown')
    return couldNotCheck(commands, 'the ledger did not answer whether it may still be forwarded')
  if (permission.may === 'not-forward')
    return refused(commands, [
      pushRefusal(permission.why, ['ask an operator; nothing of this push was forwarded']),
    ])
  if (permission.url !== pass.repository.url)
    return refused(commands, [pushRefusal("the repository's upstream was changed during the push", AGAIN)])
  const revoked = record.exceptionsUsed.filter(id => !permission.exceptions.includes(id))
  if (revoked.length)
    return refused(commands, [
      pushRefusal(`an exception that it needs holds no longer: ${revoked.join(', ')}`, [
        'push again: the finding is then shown',
      ]),
    ])
  const { terms } = permission
  if (JSON.stringify(terms) === JSON.stringify(pass.terms)) return undefined
  return judgeByTerms({ ...push, pass: { ...pass, terms } }, list, checks, signal)
}

/** The grant was changed: asks again what depends on it. */
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
