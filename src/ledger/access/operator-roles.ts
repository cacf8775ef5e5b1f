import { z } from 'zod'
import { type NewOperatorRole, type OperatorRole, Principal } from '../../contract/admin-api/operators.ts'
import { RepositoryName } from '../../contract/names.ts'
import { type AssignedRole, Role } from '../../contract/role.ts'
import { type Operator, withAudit } from '../audit-log.ts'
import { iso } from '../time.ts'

/** A person or service that an issuer has authenticated. */
export const Person = z.object({
  /** The issuer's URL. */
  issuer: z.string(),
  subject: z.string(),
  /** An address that the issuer has verified. */
  email: z.string().nullable(),
  groups: z.array(z.string()),
})
export type Person = z.infer<typeof Person>

/** Returns every name by which the ledger may know a person. A name of no valid form gives no role. */
function namesOf({ issuer, subject, email, groups }: Person): string[] {
  const names = [
    `subject:${issuer}#${subject}`,
    ...(email === null ? [] : [`email:${email}`]),
    ...groups.map(group => `group:${group}`),
  ]
  return names.flatMap(name => Principal.safeParse(name).data ?? [])
}

const Held = z.object({ role: Role, repository: z.string().nullable() })

/** Returns the roles of a person; without an entry in the ledger there are none. */
export async function rolesOf(ledger: D1Database, person: Person): Promise<AssignedRole[]> {
  const { results } = await ledger
    .prepare(
      'SELECT role, repository FROM operator_roles WHERE principal IN (SELECT value FROM json_each(?))',
    )
    .bind(JSON.stringify(namesOf(person)))
    .all()
  return z.array(Held).parse(results)
}

/** Returns the person with those groups alone that have a role: a session's cookie has no room for hundreds. */
export async function withKnownGroups(ledger: D1Database, person: Person): Promise<Person> {
  const { results } = await ledger
    .prepare(
      `SELECT DISTINCT principal FROM operator_roles
        WHERE principal IN (SELECT 'group:' || value FROM json_each(?)) ORDER BY principal LIMIT 20`,
    )
    .bind(JSON.stringify(person.groups))
    .all()
  const rows = z.array(z.object({ principal: z.string() })).parse(results)
  return { ...person, groups: rows.map(({ principal }) => principal.slice('group:'.length)) }
}

/** Returns the key of a person, which is the same at each issuer that has verified the address. */
export const personKey = ({ issuer, subject, email }: Person): string =>
  email === null ? `subject:${issuer}#${subject}` : `email:${email.toLowerCase()}`

/** Returns a person's name for the audit log. */
export const nameOf = ({ issuer, subject, email }: Person): string =>
  `oidc ${email ?? `${issuer}#${subject}`}`

const Row = z
  .object({
    principal: z.string(),
    role: Role,
    repository: RepositoryName.nullable(),
    created_at: z.number(),
  })
  .transform(({ created_at, ...row }): OperatorRole => ({ ...row, createdAt: iso(created_at) }))

/** Returns all roles, sorted by name and repository. */
export async function listOperatorRoles(ledger: D1Database): Promise<OperatorRole[]> {
  const { results } = await ledger
    .prepare('SELECT * FROM operator_roles ORDER BY principal, repository')
    .all()
  return z.array(Row).parse(results)
}

export async function findOperatorRole(
  ledger: D1Database,
  { principal, repository }: Pick<OperatorRole, 'principal' | 'repository'>,
): Promise<OperatorRole | undefined> {
  const row = await ledger
    .prepare('SELECT * FROM operator_roles WHERE principal = ? AND repository IS ?')
    .bind(principal, repository)
    .first()
  return row ? Row.parse(row) : undefined
}

/** Gives a role, in place of an earlier role of the same name in the same repository. */
export async function setOperatorRole(
  ledger: D1Database,
  operator: Operator,
  { principal, role, repository }: NewOperatorRole,
): Promise<void> {
  await withAudit(
    ledger,
    ledger
      .prepare(
        `INSERT INTO operator_roles (principal, role, repository, created_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (principal, coalesce(repository, '')) DO UPDATE SET role = excluded.role WHERE role <> excluded.role`,
      )
      .bind(principal, role, repository, Date.now()),
    operator,
    'operator.set',
    principal,
    { role, repository },
  )
}

export async function removeOperatorRole(
  ledger: D1Database,
  operator: Operator,
  { principal, repository }: Pick<OperatorRole, 'principal' | 'repository'>,
): Promise<void> {
  await withAudit(
    ledger,
    ledger
      .prepare('DELETE FROM operator_roles WHERE principal = ? AND repository IS ?')
      .bind(principal, repository),
    operator,
    'operator.remove',
    principal,
    { repository },
  )
}
