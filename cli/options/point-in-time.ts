import { z } from 'zod'
import { UsageError } from '../errors.ts'

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400, w: 7 * 86_400 } as const

const DATE_TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?$/

/** The formats that `parseTime` accepts, for help texts. */
export const TIME_FORMATS = '30d, 12h, or a date (00:00 local time)'

/**
 * Parses a duration from now (`30d`, `12h`, `90m`), a date (its first second), or a date and time, and
 * returns ISO 8601. Times without a zone are local, as in tables. Throws a UsageError.
 */
export function parseTime(text: string, direction: 'ahead' | 'ago', now = Date.now()): string {
  const durationMs = parseDuration(text)
  const time =
    durationMs === undefined
      ? parseDateTime(text)
      : direction === 'ahead'
        ? now + durationMs
        : now - durationMs
  if (time === undefined)
    throw new UsageError(
      `invalid date or time: "${text}"`,
      'Write 30d, 12h or 90m, or a date such as 2027-01-31 or 2027-01-31T18:00',
    )
  const iso = new Date(time).toISOString()
  if (!/^\d{4}-/.test(iso)) throw new UsageError(`"${text}" is out of range`, 'Years go from 0000 to 9999')
  return iso
}

function parseDuration(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? []
  return count && unit ? Number(count) * UNITS[unit as keyof typeof UNITS] * 1000 : undefined
}

function parseDateTime(text: string): number | undefined {
  const [, day, hour = '00:00', zone = ''] = DATE_TIME.exec(text) ?? []
  // Date.parse reads 30 February as 2 March.
  if (!z.iso.date().safeParse(day).success) return undefined
  const time = Date.parse(`${day}T${hour}${zone}`)
  return Number.isNaN(time) ? undefined : time
}
