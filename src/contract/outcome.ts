import { z } from 'zod'

/** How a push attempt ended; `open` until it has. */
export const Outcome = z.enum(['open', 'accepted', 'refused', 'failed', 'abandoned'])
export type Outcome = z.infer<typeof Outcome>

/** One secret that gitleaks found, without the secret. */
export const Finding = z.object({
  rule: z.string(),
  /** The file, or what else held it: `commit message`, `tag v1`, `file name`, … */
  path: z.string(),
  line: z.number().int(),
  commit: z.string(),
  fingerprint: z.string(),
  /** The line around it, with the secret redacted. */
  excerpt: z.string().default(''),
  /** The pushed line carries `gitleaks:allow`: the agent asks for an exception. */
  asksForException: z.boolean().default(false),
})
export type Finding = z.infer<typeof Finding>

/** A ref of a push, with git's report-status word for it. */
export const RefResult = z.object({
  ref: z.string(),
  old: z.string(),
  new: z.string(),
  status: z.enum(['ok', 'ng']).nullable(),
  reason: z.string(),
})
export type RefResult = z.infer<typeof RefResult>

/** A step of a push by its name (receiving, a check's name, forwarding), and how long it took. */
export const StepTime = z.object({ step: z.string(), ms: z.number() })
export type StepTime = z.infer<typeof StepTime>

/**
 * Why a session was let go before its end. Its client sent nothing (`idle`), too little (`slow`) or took nothing (`unread`)
 * for too long, closed its connection (`vanished`), or what it sent broke off (`cut`); or git stood still (`stuck`).
 */
export const DisconnectReason = z.enum(['idle', 'slow', 'unread', 'vanished', 'cut', 'stuck'])
export type DisconnectReason = z.infer<typeof DisconnectReason>

/** The same in words. */
export const DISCONNECT_MESSAGES: Readonly<Record<DisconnectReason, string>> = {
  idle: 'the client stopped sending',
  slow: 'the client sent too slowly',
  unread: 'the client stopped reading',
  vanished: 'the client went away',
  cut: 'the pack ended before it was whole',
  stuck: 'git stood still',
}

/** What the companion knows of a push; the ledger keeps it. */
export const PushReport = z.object({
  id: z.string(),
  outcome: Outcome,
  /** The step it is in, or ended in. */
  phase: z.string(),
  ms: z.number(),
  refs: z.array(RefResult),
  findings: z.array(Finding),
  steps: z.array(StepTime),
  /** The exceptions that let a finding pass, by id. */
  exceptionsUsed: z.array(z.string()),
  /** What the upstream said, sanitised. */
  upstreamSaid: z.string(),
  /** Every `remote:` line the agent was told. */
  told: z.array(z.string()),
  /** Was its session let go, and why? */
  reaped: DisconnectReason.nullable().default(null),
  /** How much gitleaks was given to read, in bytes. */
  scannedBytes: z.number().int().nonnegative().default(0),
})
export type PushReport = z.infer<typeof PushReport>

/**
 * Why a push is not taken. It becomes text in one place, for git, the API and the pages alike.
 */
export interface Refusal {
  /** The ref it is about; absent: the whole push. */
  readonly ref?: string
  /** The short reason in git's report: `! [remote rejected] main -> main (git-gate: <reason>)`. */
  readonly reason: string
  /** Lines that explain, each plain text. */
  readonly detail: readonly string[]
  /** What to do instead, one line each; a command where there is one. */
  readonly remedy: readonly string[]
}

/** The answer to `check-config`: what is wrong with the configuration; null: it can be used. */
export const ConfigCheck = z.object({ problem: z.string().nullable() })
export type ConfigCheck = z.infer<typeof ConfigCheck>

/** One link of the chain that `doctor` tries. */
export const LinkStep = z.object({ name: z.string(), ok: z.boolean(), detail: z.string(), fix: z.string() })
export type LinkStep = z.infer<typeof LinkStep>

/** The refs of a push that the companion lost its record of: the body of `settle-push`. */
export const LostRefs = z.array(RefResult.pick({ ref: true, old: true, new: true })).max(5_000)

/** What an upstream has of a push: that, none of it, other values than either side of it, or no answer. */
export const UpstreamState = z.enum(['all of it', 'none of it', 'something else', 'no answer'])
export type UpstreamState = z.infer<typeof UpstreamState>

/** What an agent does about a push that upstream does not have as a whole. */
export const NEXT_STEP: Readonly<Record<Exclude<UpstreamState, 'all of it'>, string>> = {
  'none of it': 'it does not have the push: push again',
  'something else': 'its refs have moved since: fetch and compare before pushing again',
  'no answer': 'whether it has the push could not be learnt: fetch and compare before pushing again',
}

/** The answer to `settle-push`. */
export const Settlement = z.union([
  z.object({ known: PushReport }),
  z.object({ upstreamHas: UpstreamState.exclude(['no answer']) }),
])
export type Settlement = z.infer<typeof Settlement>
