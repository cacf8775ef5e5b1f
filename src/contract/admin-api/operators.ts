import { z } from 'zod'
import { RepositoryName } from '../names.ts'
import { Role } from '../role.ts'
import { Time } from './common.ts'

/** An issuer's URL has no fragment (OpenID Connect Discovery 1.0, section 3), so the first # ends it. */
const SUBJECT = /^subject:https?:\/\/[^\s#]+#\S.{0,254}$/
const GROUP = /^group:\S.{0,254}$/
const EMAIL = /^email:[^\s@]+@[^\s@]+$/

/** The name by which a sign-in proves who a person is: a subject of an issuer, an e-mail address, or a group. */
export const Principal = z
  .string()
  .max(512)
  .refine(
    principal => SUBJECT.test(principal) || GROUP.test(principal) || EMAIL.test(principal),
    'must be email:ADDRESS, group:NAME or subject:ISSUER#SUBJECT',
  )
  .transform(principal => (EMAIL.test(principal) ? principal.toLowerCase() : principal))
  .meta({ examples: ['email:ada@acme.example', 'group:platform', 'subject:https://id.acme.example#248289'] })

/** The person whose token it is: a subject of an issuer, or an e-mail address. A group is no person. */
export const Owner = Principal.refine(
  principal => !GROUP.test(principal),
  'must be email:ADDRESS or subject:ISSUER#SUBJECT',
)

/** The role of an operator in one repository, or in the whole gate. */
export const NewOperatorRole = z
  .strictObject({ principal: Principal, role: Role, repository: RepositoryName.nullable().default(null) })
  .meta({ id: 'NewOperatorRole' })
export type NewOperatorRole = z.infer<typeof NewOperatorRole>

export const OperatorRole = z
  .object({ principal: z.string(), role: Role, repository: RepositoryName.nullable(), createdAt: Time })
  .meta({ id: 'OperatorRole' })
export type OperatorRole = z.infer<typeof OperatorRole>
