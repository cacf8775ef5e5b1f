import type { Call } from '../forge/host-api.ts'

/** A fact that the host has to confirm before a call is sent: ids name anything at the host. */
export type Proof =
  /** The GraphQL id of this repository. */
  | { readonly kind: 'repository'; readonly id: string }
  /** The GraphQL id of a pull request of this repository. */
  | { readonly kind: 'pull request'; readonly id: string }
  /** A number that is a pull request of this repository, not an issue. */
  | { readonly kind: 'number'; readonly number: string }
  /** GitLab's number of this project. */
  | { readonly kind: 'project'; readonly id: string }

/** A call that the gate knows. */
export interface KnownCall {
  /** The operation in words, for the record. */
  readonly operation: string
  readonly call: Call
  readonly isWrite: boolean
  /** The branches of a pull request that the call opens. */
  readonly opens?: { readonly base: string; readonly head: string }
  /** Text that leaves the gate with the call. */
  readonly texts: readonly string[]
  readonly proofs: readonly Proof[]
  /** `rest`: JSON whose secrets are left out. `graphql`: JSON of fields that the gate has allowed. `text`: a diff. */
  readonly answer: 'rest' | 'graphql' | 'text'
}

/** The gate's decision on a call, before it knows the grant and asks the host. */
export type Plan =
  | { readonly is: 'known'; readonly known: KnownCall }
  /** The gate answers by itself. */
  | { readonly is: 'local'; readonly operation: string; readonly body: unknown }
  | { readonly is: 'refused'; readonly reason: string }

export const refused = (reason: string): Plan => ({ is: 'refused', reason })
