import { z } from 'zod'
import { RepositoryStatus } from '../companion-api/status.ts'
import { ConnectionStep } from '../outcome.ts'

/** The results of testing each link from the gate to an upstream. */
export const ConnectionCheck = z.object({ steps: z.array(ConnectionStep) }).meta({ id: 'ConnectionCheck' })

/** A repository's mirror and sessions, as its running companion reports them. */
export const LiveStatus = z
  .object({
    companion: z.enum(['running', 'stopped', 'unreachable']).meta({
      description: 'Stopped: the container does not run, and this request does not start it',
    }),
    status: RepositoryStatus.nullable().meta({ description: 'Null unless the companion is running' }),
  })
  .meta({ id: 'LiveStatus' })
export type LiveStatus = z.infer<typeof LiveStatus>

export const Status = z
  .object({
    operator: z.string().meta({ description: 'Who is asking' }),
    companion: z.enum(['container', 'local']),
    repositories: z.number().int(),
    agents: z.number().int(),
    tokens: z.number().int(),
    openPushes: z.number().int(),
  })
  .meta({ id: 'Status' })
