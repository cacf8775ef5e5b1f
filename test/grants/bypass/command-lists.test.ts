import { describe, expect, test } from 'vitest'
import { FLUSH, pktLine } from '../../../container/git/pkt-line.ts'
import { type Agent, rejected } from '../../harness/index.ts'
import { body, CAPABILITIES, type Line, packOf, send, ZERO } from '../wire.ts'
import {
  changed,
  creator,
  eve,
  fromBase,
  gate,
  id,
  nothingIsLeftBehind,
  refusedPush,
  refusedWhole,
  useBypassGate,
  work,
} from './bypass-gate.ts'

useBypassGate()

test('a push of thousands of refused refs gets a reason for each, and remedies for the first ones', async () => {
  const lines: Line[] = Array.from({ length: 3_000 }, (_, i) => [
    id('one'),
    id('two'),
    `refs/heads/other/${i}`,
  ])
  const answer = await send(gate, creator, body(lines, fromBase))
  expect(answer.report.filter(line => line.startsWith('ng refs/heads/other/'))).toHaveLength(lines.length)
  const remedies = answer.shown.split('\n').filter(line => line.includes('git push '))
  expect(remedies.length).toBeGreaterThan(0)
  expect(remedies.length).toBeLessThan(50)
})

describe('lists of commands', () => {
  test('several commands for one ref', async () => {
    const twice: readonly (readonly Line[])[] = [
      [
        [ZERO, id('one'), 'refs/heads/x'],
        [ZERO, id('two'), 'refs/heads/x'],
      ],
      [
        [id('one'), id('two'), 'refs/heads/stand/one'],
        [id('one'), ZERO, 'refs/heads/stand/one'],
      ],
      [
        [ZERO, id('one'), 'refs/heads/x'],
        [id('one'), ZERO, 'refs/heads/x'],
      ],
    ]
    for (const lines of twice) await refusedPush(eve, body(lines, fromBase), /it is named twice/)
  })

  test('a branch and one below it', async () => {
    for (const ref of ['refs/heads/stand', 'refs/heads/stand/one/x']) {
      const ran = await work.git(['push', eve.url(), `two:${ref}`])
      expect(ran, ran.output).toMatchObject(rejected)
      expect(ran.output).toMatch(/remote rejected.*git-gate: /)
      expect(await changed()).toEqual({})
    }
    const both = await work.git(['push', eve.url(), 'two:refs/heads/d', 'two:refs/heads/d/f'])
    expect(both, both.output).toMatchObject(rejected)
    expect(await changed()).toEqual({})
  })

  test.each([
    [
      'a signed push',
      () =>
        Buffer.concat([
          pktLine(`push-cert\0${CAPABILITIES}`),
          pktLine('certificate version 0.1\n'),
          pktLine('push-cert-end\n'),
          FLUSH,
        ]),
      /not a command/,
    ],
    [
      'the capability of a signed push',
      () => body([[ZERO, id('one'), 'refs/heads/x']], Buffer.alloc(0), `${CAPABILITIES} push-cert=nonce`),
      /capability push-cert=nonce was not offered/,
    ],
    [
      'an unknown capability',
      () => body([[ZERO, id('one'), 'refs/heads/x']], Buffer.alloc(0), `${CAPABILITIES} allow-everything`),
      /allow-everything was not offered/,
    ],
    [
      'another object format',
      () => body([[ZERO, id('one'), 'refs/heads/x']], Buffer.alloc(0), 'report-status object-format=sha256'),
      /object ids are not of its object format, SHA-256/,
    ],
    [
      'ids of another object format',
      () =>
        body(
          [['0'.repeat(64), '1'.repeat(64), 'refs/heads/x']],
          Buffer.alloc(0),
          'report-status object-format=sha256',
        ),
      /it has SHA-256 object ids, and the repository has SHA-1 ids/,
    ],
    [
      'no wish for a report',
      () => body([[ZERO, id('one'), 'refs/heads/x']], Buffer.alloc(0), 'side-band-64k'),
      /must request report-status/,
    ],
    ['ids that are none', () => body([['HEAD', 'main', 'refs/heads/x']]), /not a command/],
    ['a length that lies', () => Buffer.from(`ffff${ZERO} ${ZERO} refs/heads/x`), /has the length 65535/],
    [
      'a length that is none',
      () => Buffer.from(`+0x4${ZERO} ${ZERO} refs/heads/x`),
      /does not start with its length/,
    ],
    [
      'a list that does not end',
      () => pktLine(`${ZERO} ${ZERO} refs/heads/x\0${CAPABILITIES}`),
      /ended before its command list/,
    ],
  ] as const)('%s', async (_what, made, words) => refusedPush(eve, made(), words))

  test('more refs than a push may name', async () => {
    const lines = Array.from({ length: 5001 }, (_, n): Line => [ZERO, id('two'), `refs/heads/n/${n}`])
    await refusedWhole(eve, body(lines), /5000 refs at most/)
  })

  test('of the most refs that a push may name, all refused, the first are recorded, and the number of the rest', async () => {
    const name = 'release-notes-'.repeat(4)
    const lines = Array.from({ length: 5000 }, (_, n): Line => [ZERO, id('two'), `refs/tags/${name}${n}`])
    await refusedPush(creator, body(lines), /creator may create refs\/heads\/\*\* only/)
    const kept = await gate.ledger.last()
    expect(kept.refs[0]).toMatchObject({ ref: `refs/tags/${name}0`, status: 'ng' })
    expect(kept.remoteLines.at(-1)).toBe(
      `… and ${5000 - kept.refs.length} more refs, which are not on record`,
    )
    expect(Buffer.byteLength(JSON.stringify(kept))).toBeLessThan(128 << 10)
  })

  test('a list over the byte limit', async () => {
    const lines = Array.from(
      { length: 100 },
      (_, n): Line => [ZERO, id('two'), `refs/heads/${'x'.repeat(60_000)}${n}`],
    )
    await refusedWhole(eve, body(lines), /the command list is too long/)
  })
})

describe('false old values', () => {
  const lie = async (who: Agent, lines: readonly Line[], words: RegExp) =>
    refusedPush(
      who,
      body(lines, lines.every(line => line[1] === ZERO) ? undefined : await packOf(work, 'two', 'side')),
      words,
    )

  test('a force that claims to be a fast-forward', async () => {
    await lie(eve, [[id('base'), id('two'), 'refs/heads/stand/side']], /upstream has moved/)
  })
  test('an update that claims to be a create', async () => {
    await lie(creator, [[ZERO, id('two'), 'refs/heads/stand/one']], /upstream has moved/)
    await lie(eve, [[ZERO, id('two'), 'refs/tags/stand']], /upstream (has moved|refused)/)
  })
  test('a delete of another value', async () => {
    await gate.admin.agent('deleter')
    const deleter = await gate.agent('deleter', { push: ['x/**'], delete: ['**'] })
    await lie(deleter, [[id('two'), ZERO, 'refs/heads/stand/one']], /upstream has moved/)
  })
  test('an unknown value', async () => {
    await lie(eve, [['1'.repeat(40), id('two'), 'refs/heads/stand/one']], /not known here/)
  })
})

test('after all this the gate has nothing left behind, and accepts a push', nothingIsLeftBehind)
