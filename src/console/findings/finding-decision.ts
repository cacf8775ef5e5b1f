import { z } from 'zod'
import { EXPIRY_OPTIONS } from './decision-fields.tsx'

/** The fields of every decision on findings. */
export const FindingDecision = z.object({
  decision: z.enum(['allow', 'decline']),
  reason: z.string().trim(),
  until: z.enum(['day', 'week', 'month', 'never']),
})

/** Returns the reason, or the text on record where the operator gave none; the API requires one. */
export const reasonOr = (reason: string) => reason || 'decided in the console, no reason given'

/** Returns the time at which an exception ends, from now; null: never. */
export function untilOf(until: keyof typeof EXPIRY_OPTIONS): string | null {
  const { hours } = EXPIRY_OPTIONS[until]
  return hours === null ? null : new Date(Date.now() + hours * 3_600_000).toISOString()
}
