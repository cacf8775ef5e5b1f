import { z } from 'zod'

/** The roles of operators, the least first: each may do all that the roles before it may. */
export const Role = z.enum(['viewer', 'approver', 'admin'])
export type Role = z.infer<typeof Role>

/** A role in one repository, or in the whole gate if `repository` is null. */
export interface AssignedRole {
  readonly role: Role
  readonly repository: string | null
}

/** The subject of a request: one repository, the whole gate, or nothing that a role could lack (`any`). */
export type Scope = { readonly repository: string } | 'gate' | 'any'

const rank = (role: Role) => Role.options.indexOf(role)

/** Returns whether one of the roles is `minRole` or a higher role in the scope. */
export const hasRole = (roles: readonly AssignedRole[], minRole: Role, scope: Scope): boolean =>
  roles.some(
    ({ role, repository }) =>
      rank(role) >= rank(minRole) &&
      (repository === null ||
        scope === 'any' ||
        // Names of repositories are ASCII, and equal without regard to case.
        (scope !== 'gate' && scope.repository.toLowerCase() === repository.toLowerCase())),
  )

/** Returns a role in words, such as "approver of github.com/acme/app". */
export const describeRole = ({ role, repository }: AssignedRole): string =>
  `${role} of ${repository ?? 'the gate'}`
