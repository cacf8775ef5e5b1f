import { z } from 'zod'
import { ApprovalRequest } from './approval.ts'
import { PullRequest } from './hosts/forge.ts'

/** The outcome of a push attempt; `open` until it ends. */
export const Outcome = z.enum(['open', 'accepted', 'refused', 'failed', 'abandoned'])
export type Outcome = z.infer<typeof Outcome>

/** A finding's name, as the companion makes it. gitleaks' own names the commit and the line, which an amend changes. */
export const Fingerprint = z
  .string()
  .regex(
    /^[0-9a-f]{32}$/,
    'a fingerprint has 32 of the characters 0-9 and a-f, as the refused push and git gate pending list print it; COMMIT:FILE:RULE:LINE of gitleaks is another',
  )

/** A finding of gitleaks, without the secret itself. */
export const Finding = z.object({
  rule: z.string(),
  /** The file's path, or another source: `commit message`, `tag v1`, `file name`, … */
  path: z.string(),
  line: z.number().int(),
  commit: z.string(),
  fingerprint: z.string(),
  /** The line around it, with the secret redacted. */
  excerpt: z.string().default(''),
  /** The lines before and after it in the file, with secrets redacted. */
  before: z.array(z.string()).optional(),
  after: z.array(z.string()).optional(),
  /** The subject of its commit. */
  subject: z.string().optional(),
  /** The pushed line carries `gitleaks:allow`: the agent asks for an exception. */
  asksForException: z.boolean().default(false),
  /** The agent's reason for an exception. */
  request: z.string().optional(),
  /** Other places of the same push that hold the same secret. */
  alsoAt: z.array(z.string()).optional(),
})
export type Finding = z.infer<typeof Finding>

/** A ref of a push, with its status and reason in git's report-status. */
export const RefResult = z.object({
  ref: z.string(),
  old: z.string(),
  new: z.string(),
  status: z.enum(['ok', 'ng']).nullable(),
  reason: z.string(),
})
export type RefResult = z.infer<typeof RefResult>

/** A step of a push (receiving, a check's name, forwarding) and its duration. */
export const StepTime = z.object({ step: z.string(), ms: z.number() })
export type StepTime = z.infer<typeof StepTime>

/** The reason for which the companion ended a session early. */
export const DisconnectReason = z.enum([
  'idle-timeout',
  'too-slow',
  'write-timeout',
  'disconnected',
  'incomplete-pack',
  'git-timeout',
])
export type DisconnectReason = z.infer<typeof DisconnectReason>

/** The reasons as messages. */
export const DISCONNECT_MESSAGES: Readonly<Record<DisconnectReason, string>> = {
  'idle-timeout': 'the client stopped sending',
  'too-slow': 'the client sent too slowly',
  'write-timeout': 'the client stopped reading',
  disconnected: 'the client disconnected',
  'incomplete-pack': 'the pack was incomplete',
  'git-timeout': 'git made no progress',
}

/** A Git LFS pointer that a push introduces, and the first path that has it. */
export const PushedLfsObject = z.object({ oid: z.string(), size: z.number(), path: z.string() })
export type PushedLfsObject = z.infer<typeof PushedLfsObject>

/** The companion's report on a push, which the ledger keeps. */
export const PushReport = z.object({
  id: z.string(),
  outcome: Outcome,
  /** The current step, or the last step of an ended push. */
  step: z.string(),
  ms: z.number(),
  refs: z.array(RefResult),
  findings: z.array(Finding),
  steps: z.array(StepTime),
  /** The ids of the exceptions that let a finding pass. */
  exceptionsUsed: z.array(z.string()),
  /** The upstream's messages to the gate's `git push`, sanitized. */
  upstreamOutput: z.string(),
  /** Every `remote:` line that the gate sent to the agent. */
  remoteLines: z.array(z.string()),
  /** The reason for which the session ended early; null if it did not. */
  disconnectReason: DisconnectReason.nullable().default(null),
  /** The number of bytes that gitleaks scanned. */
  scannedBytes: z.number().int().nonnegative().default(0),
  /** The pull request that the push asked for (`git push -o pr`). */
  pullRequest: PullRequest.nullable().default(null),
  /** The first LFS pointers that the push introduces. */
  lfsObjects: z.array(PushedLfsObject).default([]),
  /** Set for a refused push that waits for an approval. */
  approval: ApprovalRequest.nullable().default(null),
})
export type PushReport = z.infer<typeof PushReport>

/**
 * A reason for which the gate refuses a push, or a ref of it. One place formats it for git, the API and the
 * pages.
 */
export interface Refusal {
  /** The refused ref. Absent: the whole push. */
  readonly ref?: string
  /** The short reason in git's report: `! [remote rejected] main -> main (git-gate: <reason>)`. */
  readonly reason: string
  /** An explanation, as lines of plain text. */
  readonly detail: readonly string[]
  /** Instructions for the agent, a line each, with a command where possible. */
  readonly remedy: readonly string[]
}

/**
 * The response to `check-config`: the problem of a gitleaks configuration, or null for a valid configuration.
 */
export const ConfigCheck = z.object({ problem: z.string().nullable() })
export type ConfigCheck = z.infer<typeof ConfigCheck>

/** A link between the gate and an upstream, as `doctor` tested it. */
export const ConnectionStep = z.object({
  name: z.string(),
  ok: z.boolean(),
  detail: z.string(),
  fix: z.string(),
})
export type ConnectionStep = z.infer<typeof ConnectionStep>

/** The body of `recover-outcome`: the refs of a push whose record the companion may have lost. */
export const LostRefs = z.array(RefResult.pick({ ref: true, old: true, new: true })).max(5_000)

/**
 * The state of an upstream after a lost push: its refs have the new values, the old values, or other values.
 */
export const UpstreamState = z.enum(['applied', 'not-applied', 'diverged', 'unknown'])
export type UpstreamState = z.infer<typeof UpstreamState>

/** The instruction to the agent for each state in which the upstream does not have the whole push. */
export const NEXT_STEP: Readonly<Record<Exclude<UpstreamState, 'applied'>, string>> = {
  'not-applied': 'it does not have the push: push again',
  diverged: 'its refs have moved since: fetch and compare before pushing again',
  unknown: 'the gate could not learn whether it has the push: fetch and compare before pushing again',
}

/** The response to `recover-outcome`: the companion's own report, or the state of the upstream. */
export const RecoveredOutcome = z.union([
  z.object({ report: PushReport }),
  z.object({ upstreamState: UpstreamState.exclude(['unknown']) }),
])
export type RecoveredOutcome = z.infer<typeof RecoveredOutcome>
