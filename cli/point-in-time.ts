import { z } from 'zod'
import { UsageComplaint } from './errors.ts'

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400, w: 7 * 86_400 } as const

const ON_CALENDAR = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?$/

/** How people write a point in time, for the help of an option that takes one. */
export const TIMES = '30d, 12h, or a date (00:00 local time)'

/**
 * A point in time as people write it, in ISO 8601: `30d`, `12h`, `90m` away from now (ahead, or `ago`),
 * or a date, whose beginning counts, or a date and time; in local time, as tables print it, unless a zone is given.
 */
export function pointInTime(text: string, direction: 'ahead' | 'ago', now = Date.now()): string {
  const away = awayFromNow(text)
  const at = away === undefined ? onCalendar(text) : direction === 'ahead' ? now + away : now - away
  if (at === undefined)
    throw new UsageComplaint(
      `no such date or time: "${text}"`,
      'Write 30d, 12h or 90m, or a date such as 2027-01-31 or 2027-01-31T18:00',
    )
  const iso = new Date(at).toISOString()
  if (!/^\d{4}-/.test(iso))
    throw new UsageComplaint(`"${text}" is too far away`, 'Years go from 0000 to 9999')
  return iso
}

function awayFromNow(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? []
  return count && unit ? Number(count) * UNITS[unit as keyof typeof UNITS] * 1000 : undefined
}

function onCalendar(text: string): number | undefined {
  const [, day, hour = '00:00', zone = ''] = ON_CALENDAR.exec(text) ?? []
  // Date.parse takes 30 February for 2 March.
  if (!z.iso.date().safeParse(day).success) return undefined
  const at = Date.parse(`${day}T${hour}${zone}`)
  return Number.isNaN(at) ? undefined : at
}
