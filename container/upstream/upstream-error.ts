/**
 * An upstream could not be used. The message tells the agent the problem, and whether the agent can do anything about
 * it.
 */
export class UpstreamError extends Error {
  readonly problem: string
  /** The operator's remedy, in the imperative; empty if a later attempt may succeed without one. */
  readonly fix: string
  constructor(problem: string, { fix = '', advice = '' }: { fix?: string; advice?: string } = {}) {
    super(
      fix
        ? `${problem}. Nothing you can do: tell the operator to ${fix}`
        : problem + (advice && `; ${advice}`),
    )
    this.problem = problem
    this.fix = fix
  }
}

/** The host has refused the gate's credential. A GitHub App's next token is a new one. */
export class CredentialRefused extends UpstreamError {}
