import type { NewOperatorRole, OperatorRole } from '../../src/contract/admin-api/operators.ts'
import type { Client } from '../client.ts'
import type { Step } from './step.ts'

/** Plans the roles of operators. A list in the file is complete: roles that it omits are removed. */
export function planOperators(
  client: Client,
  current: readonly OperatorRole[],
  wanted: readonly NewOperatorRole[] | undefined,
): { set: Step[]; remove: Step[] } {
  if (wanted === undefined) return { set: [], remove: [] }
  const currentRoles = new Map(current.map(each => [roleKey(each), each]))
  const wantedKeys = new Set(wanted.map(roleKey))
  return {
    set: wanted.flatMap((role): Step[] => {
      const existing = currentRoles.get(roleKey(role))
      if (existing?.role === role.role) return []
      return [
        {
          action: existing ? 'change' : 'add',
          kind: 'operator',
          name: nameOf(role),
          detail: existing ? `${existing.role} → ${role.role}` : role.role,
          run: () => client.operators.set(role),
        },
      ]
    }),
    remove: current
      .filter(role => !wantedKeys.has(roleKey(role)))
      .map(role => ({
        action: 'remove',
        kind: 'operator',
        name: nameOf(role),
        detail: `${role.role} (the file lists the operators without it)`,
        run: () => client.operators.remove(role.principal, role.repository),
      })),
  }
}

type Place = Pick<OperatorRole, 'principal' | 'repository'>
const nameOf = ({ principal, repository }: Place) =>
  repository === null ? principal : `${principal} ${repository}`
/** Identifies a role: a name has one role in a place. */
export const roleKey = ({ principal, repository }: Place) => `${principal} ${repository?.toLowerCase() ?? ''}`
