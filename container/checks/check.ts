import type { Finding, Refusal } from '../../src/contract/outcome.ts'
import type { PassFor } from '../../src/contract/pass.ts'
import type { Scanned } from '../../src/contract/status.ts'
import type { Git } from '../git/git.ts'
import type { Command } from '../push/command-list.ts'

/** A push in quarantine: received and connected, and not yet visible to anyone. */
export interface IncomingPush {
  readonly commands: readonly Command[]
  readonly pass: PassFor<'git-receive-pack'>
  /** Git on the mirror, with the quarantine in sight. */
  readonly git: Git
  /** A folder of this push's own; it is gone when the push has ended. */
  readonly scratch: string
  /** What the ledger is told besides the refusals. */
  readonly record: {
    findings: Finding[]
    exceptionsUsed: string[]
    /** The pushed refs whose very names hold a secret, and how each may be shown. */
    secretRefs: Map<string, string>
    /** What was given to gitleaks. */
    scanned: Scanned
  }
}

/** Tells the agent a line, live, as `remote: …`. */
export type Progress = (line: string) => void

/** One question about a push. It refuses with reasons per ref, or throws GateFault when it could not tell. */
export interface Check {
  readonly name: string
  /** Its answer depends on the grant: it is asked again when that is changed during the push. */
  readonly dependsOnGrant?: boolean
  /**
   * Begins what takes long and needs nothing of the checks before. It ends with the signal, and resolves, whatever
   * came of it, when nothing of it runs any more.
   */
  ahead?(push: IncomingPush, signal: AbortSignal): Promise<void>
  run(push: IncomingPush, say: Progress, signal: AbortSignal): Promise<Refusal[]>
}

/** The gate could not do its part. The push is refused, and told that it is the gate's fault. */
export class GateFault extends Error {}
