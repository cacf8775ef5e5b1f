import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import type { Scanned } from '../../src/contract/companion-api/status.ts'
import type { Finding, PushedLfsObject, Refusal } from '../../src/contract/outcome.ts'
import type { Command } from '../git/command-list.ts'
import type { Git } from '../git/git.ts'
import type { DiffMask } from '../held/diff-masks.ts'

/** A push in quarantine: its objects are received and connected, and not yet visible to other sessions. */
export interface IncomingPush {
  readonly commands: readonly Command[]
  readonly pass: PassFor<'git-receive-pack'>
  /** Texts that leave the gate beside the objects: to upstream, or into a pull request. */
  readonly pushOptions: readonly string[]
  /** Git on the mirror, which sees the quarantine too. */
  readonly git: Git
  /** A folder for this push's temporary files. It is removed when the push ends. */
  readonly scratch: string
  /** The parts of the ledger's record besides the refusals. */
  readonly record: {
    findings: Finding[]
    exceptionsUsed: string[]
    /** The pushed refs whose names hold a secret, with the name to show. */
    secretRefs: Map<string, string>
    /** Set when the scan has checked every name and text of the push, so that the rest may be shown. */
    isScanned: boolean
    /** Set when the push is refused for nothing but findings whose lines ask for an exception. */
    isDisputed: boolean
    /** The secrets that a diff of the push must not show; undefined: its text cannot be shown. */
    diffMask: DiffMask | undefined
    /** The first LFS pointers that the push introduces. */
    lfsObjects: readonly PushedLfsObject[]
    /** The objects and bytes that were scanned, and the gitleaks processes. */
    scanned: Scanned
  }
}

/** Sends a line to the agent at once, as `remote: …`. */
export type Progress = (line: string) => void

/** A check of a push. It refuses with reasons per ref, or throws GateFault when it cannot decide. */
export interface Check {
  readonly name: string
  /** Its answer depends on the grant: it is asked again when that is changed during the push. */
  readonly dependsOnGrant?: boolean
  /** It has a deadline of its own, which grows with the push. */
  readonly boundsItself?: boolean
  /**
   * Starts slow work that needs no result of earlier checks. It stops with the signal, never rejects, and resolves when
   * none of its work runs any more.
   */
  prepare?(push: IncomingPush, signal: AbortSignal): Promise<void>
  run(push: IncomingPush, sendProgress: Progress, signal: AbortSignal): Promise<Refusal[]>
}

/** A check could not run to its end. The push is refused, and the refusal says that the fault is the gate's. */
export class GateFault extends Error {}
