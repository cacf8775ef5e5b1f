/** Conversions between the ledger's Unix milliseconds and the API's ISO 8601 in UTC. */
export const iso = (ms: number): string => new Date(ms).toISOString()
export const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms))
export const millis = (time: string): number => Date.parse(time)
export const millisOrNull = (time: string | null): number | null => (time === null ? null : millis(time))
