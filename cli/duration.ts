import { UsageComplaint } from './complaint.ts'

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400, w: 7 * 86_400 } as const

/**
 * A point in time as people write it, in ISO 8601: `30d`, `12h`, `90m` away from now (ahead, or `ago`),
 * or a date, or a date and time.
 */
export function pointInTime(text: string, direction: 'ahead' | 'ago', now = Date.now()): string {
  const [, count, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? []
  const away = count && unit ? Number(count) * UNITS[unit as keyof typeof UNITS] * 1000 : undefined
  const at = away === undefined ? Date.parse(text) : direction === 'ahead' ? now + away : now - away
  if (Number.isNaN(at) || (away === undefined && !/^\d{4}-\d\d-\d\d/.test(text)))
    throw new UsageComplaint(`"${text}" is no time`, 'Write 30d, 12h or 90m, or a date such as 2027-01-31')
  return new Date(at).toISOString()
}
