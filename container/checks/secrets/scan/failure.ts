import { GateFault } from '../../check.ts'
import { LimitExceeded } from '../../limits.ts'

/** An error of a scan as plain data: a process or a thread cannot send the error itself. */
export interface Failure {
  readonly kind: 'limit' | 'fault' | 'error'
  readonly message: string
  /** The remedy of a limit; empty for the other kinds. */
  readonly remedy: string
}

export function toFailure(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof LimitExceeded) return { kind: 'limit', message, remedy: error.remedy }
  return { kind: error instanceof GateFault ? 'fault' : 'error', message, remedy: '' }
}

export function toError({ kind, message, remedy }: Failure): Error {
  if (kind === 'limit') return new LimitExceeded(message, remedy)
  return kind === 'fault' ? new GateFault(message) : new Error(message)
}
