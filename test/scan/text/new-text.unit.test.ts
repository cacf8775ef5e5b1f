import fc from 'fast-check'
import { parse } from 'smol-toml'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { neededRulesOf } from '../../../container/checks/secrets/gitleaks/needed-rules.ts'
import {
  areWithin,
  changedHull,
  changedRanges,
  commonEnds,
  MARGIN_BYTES,
  marginBytesFor,
} from '../../../container/checks/secrets/new-text/changed-ranges.ts'
import { predecessorsOf } from '../../../container/checks/secrets/new-text/predecessors.ts'
import { gitleaks } from '../fixtures/gitleaks.ts'

const line = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: fc.constantFrom(...'xy z='), maxLength: 60, size: 'max' }) },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom(...'ab'), minLength: 60, maxLength: 300 }) },
)
const lines = fc.array(line, { maxLength: 120, size: 'max' })
const edits = fc.array(
  fc.record({
    at: fc.nat(200),
    deleted: fc.nat(30),
    inserted: fc.array(line, { maxLength: 5 }),
    copied: fc.nat(40),
  }),
  { maxLength: 4 },
)
const join = (parts: readonly string[], ends: boolean) => Buffer.from(parts.join('\n') + (ends ? '\n' : ''))

const configurations = fc.constantFrom('', '[[rules]]')

test('a text as long as the margin outside of the changed ranges is in the old text too', () => {
  fc.assert(
    fc.property(
      lines,
      edits,
      fc.boolean(),
      fc.boolean(),
      configurations,
      (oldLines, changes, oldEnds, newEnds, configuration) => {
        const newLines = [...oldLines]
        for (const { at, deleted, inserted, copied } of changes)
          newLines.splice(at, deleted, ...inserted, ...oldLines.slice(copied, copied + 25))
        const [text, old] = [join(newLines, newEnds), join(oldLines, oldEnds)]
        const margin = marginBytesFor(configuration)
        const ranges = changedRanges(text, old, margin)
        for (const [i, { from, to }] of ranges.entries()) {
          expect(from).toBeLessThan(to)
          expect(from === 0 || text[from - 1] === 10).toBe(true)
          expect(to === text.length || text[to - 1] === 10).toBe(true)
          if (i > 0) expect(ranges[i - 1]?.to).toBeLessThan(from)
        }
        const isInRange = (from: number, to: number) =>
          ranges.some(range => range.from <= from && to <= range.to)
        for (let from = 0; from < text.length; from += 7) {
          const to = Math.min(from + margin, text.length)
          if (!isInRange(from, to)) expect(old.includes(text.subarray(from, to))).toBe(true)
        }
      },
    ),
    { numRuns: 150 },
  )
})

test('the ranges of a part that was cut from both texts are those of the texts, where none is at a cut', () => {
  let within = 0
  fc.assert(
    fc.property(
      lines,
      edits,
      fc.nat(4_000),
      fc.nat(4_000),
      configurations,
      (oldLines, changes, around, aroundEnd, configuration) => {
        const same = Array.from({ length: 150 }, (_, i) => `line ${i} of prose`)
        const newLines = [...oldLines]
        for (const { at, deleted, inserted, copied } of changes)
          newLines.splice(at, deleted, ...inserted, ...oldLines.slice(copied, copied + 25))
        const [text, old] = [newLines, oldLines].map(rows => join([...same, ...rows, ...same], false)) as [
          Buffer,
          Buffer,
        ]
        const ends = commonEnds(text, old)
        // The lines at the ends are whole lines, and a cut is anywhere.
        const before = Math.max(0, ends.head - around)
        const after = Math.max(0, ends.tail - aroundEnd)
        const part = text.subarray(before, text.length - after)
        const oldPart = old.subarray(before, old.length - after)
        const margin = marginBytesFor(configuration)
        const ranges = changedRanges(part, oldPart, margin)
        const hull = changedHull(part, commonEnds(part, oldPart))
        if (text.equals(old) || !areWithin([hull, ...ranges], { text: part, before, after })) return
        within++
        const moved = [hull, ...ranges].map(({ from, to }) => ({ from: before + from, to: before + to }))
        expect(moved).toEqual([changedHull(text, ends), ...changedRanges(text, old, margin)])
      },
    ),
    { numRuns: 300 },
  )
  expect(within).toBeGreaterThan(30)
})

/** A repeat of a class of characters in a rule's pattern. */
const REPEAT = /(\\[sSWD]|\[(?:\\.|[^\]\\])*\]|\(\?s:\.\))(\*|\+|\{\d+,\d*\}|\{\d+\})/g
/** Rules that look further. A text with the mark of a key is scanned whole; lines of base64 are a block; a quote may stay open. */
const LOOK_FURTHER = ['curl-auth-user', 'jwk-private-key', 'jwt-base64', 'private-key', 'ssh2-private-key']

test('no rule looks further over lines than the margin', async () => {
  const rules = (await neededRulesOf(gitleaks))?.written.rules ?? []
  const Written = z.object({ rules: z.tuple([z.looseObject({ regex: z.string().optional() })]) })
  const takesNewline = (characters: string) =>
    characters === '(?s:.)' || new RegExp(`^${characters}$`).test('\n')
  const furthest = (pattern: string) =>
    [...pattern.matchAll(REPEAT)]
      .filter(([, characters = '']) => takesNewline(characters))
      .map(([, characters = '', times = '']) => {
        const most = Number(/(\d+)\}$/.exec(times)?.[1] ?? Number.POSITIVE_INFINITY)
        // Whitespace of any length, as between a name and its value, is a blank or a line break.
        return characters === '\\s' && most === Number.POSITIVE_INFINITY ? 1 : most
      })
      .reduce((most, each) => Math.max(most, each), 0)
  const further = rules.filter(
    ({ toml }) => furthest(Written.parse(parse(toml)).rules[0].regex ?? '') > MARGIN_BYTES / 2,
  )
  expect(further.map(({ id }) => id).sort()).toEqual(LOOK_FURTHER)
})

test('a changed line in a long text leaves most of it out', () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => `the line ${i} of the text`)
  const old = Buffer.from(rows.join('\n'))
  rows[10_000] = 'another line'
  const [range, ...others] = changedRanges(Buffer.from(rows.join('\n')), old)
  expect(others).toEqual([])
  expect((range?.to ?? 0) - (range?.from ?? 0)).toBeLessThan(1_500)
})

test('a change inside a wrapped block takes the whole block', () => {
  const block = Array.from({ length: 200 }, (_, i) =>
    Buffer.from(`${i} some bytes to be encoded as base64 lines!`).toString('base64'),
  )
  const prose = Array.from({ length: 100 }, (_, i) => `line ${i} of prose`)
  const rows = [...prose, ...block, ...prose]
  const old = Buffer.from(rows.join('\n'))
  rows[200] = Buffer.from('another text in the middle of the block....').toString('base64')
  const text = Buffer.from(rows.join('\n'))
  const [range] = changedRanges(text, old)
  expect(range?.from).toBeLessThan(text.indexOf(block[0] ?? ''))
  expect(range?.to).toBeGreaterThan(text.indexOf(block[199] ?? '') + 60)
})

const id = (name: string) => name.padEnd(40, '0')
const entry = (commit: string, path: string, blob: string, ...olds: string[]) => ({
  commit,
  path,
  mode: '100644',
  id: id(blob),
  oldIds: olds.map(old => (old === '' ? '0'.repeat(40) : id(old))),
  oldModes: olds.map(old => (old === '' ? '000000' : '100644')),
})

test('a blob replaces the blobs that all of its places had before, at its only path', () => {
  const entries = [
    entry('c1', 'a', 'a1', ''),
    entry('c2', 'a', 'a2', 'a1'),
    entry('c3', 'a', 'a3', 'a2', 'up'),
    entry('c4', 'b', 'b1', 'up'),
    entry('c4', 'copy-of-b', 'b1', ''),
    entry('c5', 'a', 'a1', 'a3'),
    entry('c6', 'c', 'c1', 'x'),
    entry('c7', 'c', 'c1', 'y', 'x'),
  ]
  const blobs = new Map(entries.map(({ id }) => [id, []]))
  expect(predecessorsOf({ entries, blobs })).toEqual(
    new Map([
      [id('a2'), [id('a1')]],
      [id('a3'), [id('a2'), id('up')]],
      [id('c1'), [id('x')]],
    ]),
  )
})
