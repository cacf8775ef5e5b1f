import { z } from 'zod'
import { KnownApproval } from '../approval.ts'
import { GrantTerms } from '../grant.ts'
import { PullRequest } from '../hosts/forge.ts'
import { PushReport, StepTime } from '../outcome.ts'

/** An event of a push, which the companion sends as it happens. */
export const PushEvent = z.discriminatedUnion('event', [
  /** The companion has read the command list, and written its refs to the journal. */
  z.object({ event: z.literal('commands-read'), report: PushReport }),
  /** A step has begun. `steps` holds the ended steps. */
  z.object({ event: z.literal('step-begun'), step: z.string(), ms: z.number(), steps: z.array(StepTime) }),
  /** Every check has passed, and the push waits for the Worker's permission to forward it. */
  z.object({ event: z.literal('checked') }),
  /** The push has ended, and its outcome is in the journal. */
  z.object({ event: z.literal('ended'), report: PushReport }),
  /** The host has answered for the pull request of an accepted push. Null: it opened none, as `remoteLines` says. */
  z.object({
    event: z.literal('pull-request'),
    pullRequest: PullRequest.nullable(),
    remoteLines: z.array(z.string()),
  }),
])
export type PushEvent = z.infer<typeof PushEvent>

/**
 * The Worker's decision on a checked push, from the token, grant and exceptions that the ledger holds now.
 */
export const Permission = z.discriminatedUnion('decision', [
  z.object({
    decision: z.literal('forward'),
    /** The current URL of the repository's upstream. */
    url: z.string(),
    terms: GrantTerms,
    /** The ids of the exceptions in force. */
    exceptions: z.array(z.string()),
    /** The agent's newest pushes that wait for an approval or were rejected. */
    approvals: z.array(KnownApproval),
    /** The page of the push's approval in the console, as a URL or, where the gate's URL is not known, a path. */
    approvalPage: z.string(),
  }),
  /** The companion must not forward the push. */
  z.object({ decision: z.literal('refuse'), reason: z.string() }),
  /** The Worker could not read the ledger. */
  z.object({ decision: z.literal('unavailable') }),
])
export type Permission = z.infer<typeof Permission>
