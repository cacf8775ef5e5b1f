import type { ApiProblem } from '../../forms/call-api.ts'

/** The lifetimes of a token that forms offer; null days: it never expires. */
const TOKEN_LIFETIMES = [
  { label: '30 days', days: 30 },
  { label: '90 days', days: 90 },
  { label: '1 year', days: 365 },
  { label: 'never', days: null },
] as const

/** The problem of a form whose lifetime is not in the list. */
export const INVALID_LIFETIME: ApiProblem = {
  code: 'bad-request',
  message: 'the lifetime is not in the list, so no token was minted',
  fix: `Choose a lifetime from the list: ${TOKEN_LIFETIMES.map(({ label }) => label).join(', ')}`,
}

/** Returns the end of the submitted lifetime from now, or undefined if the forms do not offer it. */
export function lifetimeOf(value: unknown): { expiresAt: string | null } | undefined {
  const lifetime = TOKEN_LIFETIMES.find(({ days }) => String(days) === value)
  if (!lifetime) return undefined
  const { days } = lifetime
  return { expiresAt: days === null ? null : new Date(Date.now() + days * 86_400_000).toISOString() }
}

/** The field `expires`. */
export const LifetimeField = () => (
  <label>
    Expires after
    <select name="expires">
      {TOKEN_LIFETIMES.map(({ label, days }) => (
        <option value={String(days)} selected={days === 90}>
          {label}
        </option>
      ))}
    </select>
  </label>
)
