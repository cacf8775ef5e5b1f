import { z } from 'zod'
import { GrantTerms } from './grant.ts'
import { PushReport, StepTime } from './outcome.ts'

/** The companion's word on a push while it goes on, in the order in which it happens. */
export const PushEvent = z.discriminatedUnion('event', [
  /** The command list has been read, and its refs are in the journal. */
  z.object({ event: z.literal('commands-read'), report: PushReport }),
  /** A step has begun; `steps` are those that have ended. */
  z.object({ event: z.literal('step-begun'), phase: z.string(), ms: z.number(), steps: z.array(StepTime) }),
  /** Every check has passed: the push waits for the Worker's permission to be forwarded. */
  z.object({ event: z.literal('checked') }),
  /** The push has ended, and its outcome is in the journal. */
  z.object({ event: z.literal('ended'), report: PushReport }),
])
export type PushEvent = z.infer<typeof PushEvent>

/** The ledger's word on a push that has been checked: token, grant and exceptions as they are now. */
export const Permission = z.discriminatedUnion('may', [
  z.object({
    may: z.literal('forward'),
    /** Where the repository's upstream is now. */
    url: z.string(),
    terms: GrantTerms,
    /** The ids of the exceptions that hold now. */
    exceptions: z.array(z.string()),
  }),
  /** The push may not be forwarded, and why. */
  z.object({ may: z.literal('not-forward'), why: z.string() }),
  /** The ledger could not be asked. */
  z.object({ may: z.literal('unknown') }),
])
export type Permission = z.infer<typeof Permission>
