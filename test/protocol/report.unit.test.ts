import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FLUSH, MAX_PAYLOAD, type Pkt, PktLines } from '../../container/git/pkt-line.ts'
import { createReply, formatRefusal, type RefStatus, rejectAll } from '../../container/git/report-status.ts'

const runs = { numRuns: 2000 }
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '\n',
    '\0',
    'a\r\nb',
    '\u001b[31m',
    '\u202egpj.exe',
    '\ud800',
    '0000',
    'x'.repeat(70_000),
    '\ufffd'.repeat(65_000),
  ),
)
const ref = fc.oneof(fc.constantFrom('refs/heads/a', 'refs/heads/é'), text)
const status = fc.record({ ref, status: fc.constantFrom('ok' as const, 'ng' as const), reason: text })

function packets(bytes: Buffer): { all: Pkt[]; rest: number } {
  const lines = new PktLines()
  lines.push(bytes)
  const all: Pkt[] = []
  for (let pkt = lines.next(); pkt !== undefined; pkt = lines.next()) all.push(pkt)
  return { all, rest: lines.held }
}

/** Reads a reply as a client does: the lines that it prints, and those of the report. */
function received(bytes: Buffer, sideBand: boolean): { shown: string; report: string[] } {
  const { all, rest } = packets(bytes)
  expect(rest).toBe(0)
  expect(all.at(-1)).toBe('flush')
  if (!sideBand) return { shown: '', report: linesOf(bytes) }
  const band = (number: number) =>
    Buffer.concat(all.flatMap(pkt => (pkt !== 'flush' && pkt[0] === number ? [pkt.subarray(1)] : [])))
  expect(all.filter(pkt => pkt === 'flush')).toHaveLength(1)
  expect(all.every(pkt => pkt === 'flush' || pkt[0] === 1 || pkt[0] === 2)).toBe(true)
  return { shown: band(2).toString('utf8'), report: linesOf(band(1)) }
}

function linesOf(report: Buffer): string[] {
  const { all, rest } = packets(report)
  expect(rest).toBe(0)
  expect(all.at(-1)).toBe('flush')
  return all.slice(0, -1).map(pkt => pkt.toString('utf8'))
}

const written = (sideBand: boolean, say: readonly string[], unpack: string, refs: readonly RefStatus[]) => {
  const out: Buffer[] = []
  const reply = createReply(new Set(sideBand ? ['side-band-64k'] : []), bytes => out.push(bytes))
  for (const line of say) reply.progressLine(line)
  reply.report(unpack, refs)
  return Buffer.concat(out)
}

test('a report has one line for each ref, for any refs and reasons', () => {
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.array(text, { maxLength: 3 }),
      text,
      fc.array(status, { maxLength: 4 }),
      (bands, say, unpack, refs) => {
        const { shown, report } = received(written(bands, say, unpack, refs), bands)
        expect(report).toHaveLength(refs.length + 1)
        expect(report[0]).toMatch(/^unpack [^\n]*\n$/)
        for (const [index, line] of report.slice(1).entries()) {
          expect(line).toMatch(refs[index]?.status === 'ok' ? /^ok [^\n]*\n$/ : /^ng [^\n]* [^\n]*\n$/)
          expect(line).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/)
        }
        expect(shown.split('\n')).toHaveLength(bands ? say.length + 1 : 1)
        expect(shown).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/)
      },
    ),
    runs,
  )
})

test('a ref and a reason of ordinary length arrive as they are', () => {
  const refs: RefStatus[] = [
    { ref: `refs/heads/${'é'.repeat(200)}`, status: 'ok', reason: '' },
    { ref: 'refs/heads/b', status: 'ng', reason: 'git-gate: ada may create refs/heads/ada/** only' },
  ]
  expect(received(written(true, [], 'ok', refs), true).report).toEqual([
    'unpack ok\n',
    `ok refs/heads/${'é'.repeat(200)}\n`,
    'ng refs/heads/b git-gate: ada may create refs/heads/ada/** only\n',
  ])
})

test('progress of any size is cut into packets that git accepts', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 * MAX_PAYLOAD }), size => {
      const out: Buffer[] = []
      const reply = createReply(new Set(['side-band-64k']), bytes => out.push(bytes))
      reply.progress(Buffer.alloc(size, 'x'))
      const { all, rest } = packets(Buffer.concat(out))
      expect(rest).toBe(0)
      expect(all.reduce((sum, pkt) => sum + pkt.length - 1, 0)).toBe(size)
      expect(all.length).toBeGreaterThan(0)
    }),
    { numRuns: 200 },
  )
})

test('a keepalive is the empty packet that git itself writes, and none without side bands', () => {
  for (const [capabilities, bytes] of [
    [['side-band-64k'], '0005\x01'],
    [[], ''],
  ] as const) {
    const out: Buffer[] = []
    createReply(new Set<string>(capabilities), packet => out.push(packet)).keepalive()
    expect(Buffer.concat(out).toString()).toBe(bytes)
  }
})

test('a client without side bands gets the report alone', () => {
  expect(written(false, ['hello'], 'ok', []).toString()).toBe(`000eunpack ok\n${FLUSH}`)
})

test('a refused push rejects every ref, with the ref’s own reason if it has one', () => {
  const refusal = fc.record({
    ref: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
    reason: fc.constantFrom('one', 'two'),
  })
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd')),
      fc.array(refusal, { minLength: 1 }),
      (refs, some) => {
        const refusals = some.map(({ ref, reason }) => ({
          ...(ref ? { ref } : {}),
          reason,
          detail: [],
          remedy: [],
        }))
        const told = rejectAll(
          refs.map(name => ({ ref: name })),
          refusals,
        )
        expect(told.map(each => [each.ref, each.status])).toEqual(refs.map(name => [name, 'ng']))
        for (const each of told) {
          const own =
            refusals.find(one => one.ref === each.ref) ?? refusals.find(one => one.ref === undefined)
          expect(each.reason).toContain(own ? own.reason : 'another ref of this push was refused')
        }
        for (const each of refusals) expect(formatRefusal(each).join('\n')).toContain(each.reason)
      },
    ),
    runs,
  )
})
