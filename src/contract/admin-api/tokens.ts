import { z } from 'zod'
import { AgentName, RepositoryName } from '../names.ts'
import { Role } from '../role.ts'
import { Time } from './common.ts'
import { Owner } from './operators.ts'

export const NewToken = z
  .strictObject({
    agent: AgentName,
    label: z.string().max(200).default(''),
    expiresAt: Time.nullable().default(null),
  })
  .meta({ id: 'NewToken' })

const token = {
  id: z.string(),
  agent: AgentName,
  label: z.string(),
  createdAt: Time,
  expiresAt: Time.nullable(),
  revokedAt: Time.nullable(),
  lastUsedAt: Time.nullable(),
}

export const Token = z.object(token).meta({ id: 'Token' })
export type Token = z.infer<typeof Token>

export const MintedToken = z
  .object({ ...token, token: z.string().meta({ description: 'The token itself, this once' }) })
  .meta({ id: 'MintedToken' })
export type MintedToken = z.infer<typeof MintedToken>

export const NewAdminToken = z
  .strictObject({
    label: z.string().min(1).max(200),
    role: Role.default('admin'),
    repository: RepositoryName.nullable()
      .default(null)
      .meta({ description: 'The only repository in which the token has its role; null: the whole gate' }),
    owner: Owner.optional().meta({
      description:
        'The person who uses it: approvals by it count as theirs. By default the person who mints it, if they have signed in',
    }),
    expiresAt: Time.nullable().default(null),
  })
  .meta({ id: 'NewAdminToken' })
const { agent: _, ...common } = token
const adminToken = {
  ...common,
  role: Role,
  repository: RepositoryName.nullable(),
  owner: z.string().nullable().meta({ description: 'The person whose approvals its approvals are' }),
}

export const AdminToken = z.object(adminToken).meta({ id: 'AdminToken' })
export type AdminToken = z.infer<typeof AdminToken>

export const MintedAdminToken = z
  .object({ ...adminToken, token: z.string() })
  .meta({ id: 'MintedAdminToken' })
export type MintedAdminToken = z.infer<typeof MintedAdminToken>
