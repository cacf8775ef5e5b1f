/** A change from the current state towards the desired state. */
export interface Step {
  readonly action: 'add' | 'change' | 'remove'
  readonly kind: 'identity' | 'repository' | 'agent' | 'grant' | 'operator'
  readonly name: string
  readonly detail: string
  readonly run: () => Promise<unknown>
  /** Finds out whether the gate would refuse the step, without changing anything. */
  readonly check?: () => Promise<unknown>
}
