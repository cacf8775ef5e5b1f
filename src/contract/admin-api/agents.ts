import { z } from 'zod'
import { GrantTerms } from '../grant.ts'
import { AgentName, RepositoryName } from '../names.ts'
import { Time } from './common.ts'

export const NewAgent = z.strictObject({ name: AgentName }).meta({ id: 'NewAgent' })

export const Agent = z.object({ name: AgentName, createdAt: Time }).meta({ id: 'Agent' })
export type Agent = z.infer<typeof Agent>

export const AgentGrant = z
  .object({ agent: AgentName, repository: RepositoryName, terms: GrantTerms })
  .meta({ id: 'Grant' })
export type AgentGrant = z.infer<typeof AgentGrant>
