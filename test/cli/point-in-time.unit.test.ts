import { expect, test } from 'vitest'
import { parseTime } from '../../cli/options/point-in-time.ts'

const NOW = Date.parse('2026-11-26T12:00:00.000Z')
const ahead = (text: string) => parseTime(text, 'ahead', NOW)
const local = (...parts: [number, number, number, number, number]) => new Date(...parts).toISOString()

test.each([
  ['90m', '2026-11-26T13:30:00.000Z'],
  ['2w', '2026-12-10T12:00:00.000Z'],
  ['2027-01-31T18:00Z', '2027-01-31T18:00:00.000Z'],
  ['2027-01-31T18:00:30+02:00', '2027-01-31T16:00:30.000Z'],
  ['2027-01-31 18:00+0200', '2027-01-31T16:00:00.000Z'],
  ['2028-02-29', local(2028, 1, 29, 0, 0)],
  ['2027-01-31T18:00', local(2027, 0, 31, 18, 0)],
  ['2027-01-31 18:00', local(2027, 0, 31, 18, 0)],
])('%s is parsed', (text, at) => {
  expect(ahead(text)).toBe(at)
})

test.each([
  '2027-02-30',
  '2027-02-29',
  '2027-13-01',
  '2027-04-31T10:00',
  '2027-04-30T24:30',
  '2027-04-30T12:60',
  '2027-04-30T12:00+25:00',
  '2027-04-30 noon',
  '2027-1-31',
  'soon',
  '12',
])('%s is rejected, because there is no such day or hour', text => {
  expect(() => ahead(text)).toThrow(`invalid date or time: "${text}"`)
})

test.each(['ahead', 'ago'] as const)('a time beyond the year 9999 or before 0000 is rejected: %s', way => {
  expect(() => parseTime('999999w', way, NOW)).toThrow('"999999w" is out of range')
  expect(parseTime('9999d', way, NOW)).toMatch(/^\d{4}-/)
})
