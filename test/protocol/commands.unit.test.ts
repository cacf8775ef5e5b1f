import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type BadCommandList,
  type CommandList,
  CommandListReader,
  MAX_COMMANDS,
} from '../../container/git/command-list.ts'
import { FLUSH, pktLine } from '../../container/git/pkt-line.ts'
import { refNameProblem } from '../../src/contract/names.ts'
import { ZERO as ZERO_ID } from '../grants/wire.ts'
import { cuts, hostileLines, inPieces } from './streams.ts'

const runs = { numRuns: 3000 }
type Read = { said: CommandList | BadCommandList | 'probe' | undefined; raw: Buffer; rest: Buffer }

function read(pieces: readonly Buffer[]): Read {
  const reader = new CommandListReader()
  for (const [index, piece] of pieces.entries()) {
    const said = reader.push(piece)
    if (said)
      return {
        said,
        raw: reader.listBytes,
        rest: Buffer.concat([reader.packBytes, ...pieces.slice(index + 1)]),
      }
  }
  return { said: undefined, raw: reader.listBytes, rest: reader.packBytes }
}

const CAPABILITIES = 'report-status-v2 side-band-64k object-format=sha1 agent=git/2.39.5'
const id = fc.stringMatching(/^[0-9a-f]{40}$/)
const ref = fc.stringMatching(/^refs\/(heads|tags)\/[a-zé0-9]{1,12}(\/[a-z]{1,5})?$/)
const command = fc
  .record({ ref, old: fc.oneof(id, fc.constant(ZERO_ID)), new: fc.oneof(id, fc.constant(ZERO_ID)) })
  .filter(each => each.old !== each.new && refNameProblem(each.ref) === undefined)
const commandList = fc.uniqueArray(command, { minLength: 1, maxLength: 6, selector: each => each.ref })
const options = fc.option(fc.array(fc.stringMatching(/^[ -~]{0,30}$/), { maxLength: 4 }), { nil: undefined })
const newline = fc.constantFrom('', '\n')

const line = (each: { ref: string; old: string; new: string }) => `${each.old} ${each.new} ${each.ref}`
function request(
  commands: readonly { ref: string; old: string; new: string }[],
  given: readonly string[] | undefined,
  ending = '',
): Buffer {
  const capabilities = given ? `${CAPABILITIES} push-options` : CAPABILITIES
  return Buffer.concat([
    ...commands.map((each, index) => pktLine(`${line(each)}${index ? '' : `\0${capabilities}`}${ending}`)),
    FLUSH,
    ...(given ? [...given.map(option => pktLine(`${option}${ending}`)), FLUSH] : []),
  ])
}

test('a list as git writes it is read correctly in any chunks, and the pack after it stays unread', () => {
  fc.assert(
    fc.property(
      commandList,
      options,
      newline,
      fc.uint8Array({ maxLength: 60 }),
      cuts,
      (commands, given, ending, pack, at) => {
        const list = request(commands, given, ending)
        const { said, raw, rest } = read(inPieces(Buffer.concat([list, Buffer.from(pack)]), at))
        expect(said).toMatchObject({ commands, pushOptions: given ?? [], client: 'git/2.39.5' })
        expect(raw).toEqual(list)
        expect(rest).toEqual(Buffer.from(pack))
      },
    ),
    runs,
  )
})

test('git gets exactly the bytes that were judged', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        hostileLines,
        fc.tuple(commandList, options).map(([all, given]) => request(all, given)),
      ),
      bytes => {
        const { said, raw, rest } = read([bytes])
        if (said === undefined || said === 'probe' || 'problem' in said) return
        expect(Buffer.concat([raw, rest]).equals(bytes)).toBe(true)
      },
    ),
    runs,
  )
})

test('bytes of any kind are read or refused, the same whole and in pieces', () => {
  const anything = fc.oneof(
    hostileLines,
    fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
    fc
      .tuple(
        commandList,
        options,
        fc.nat(),
        fc.uint8Array({ minLength: 1, maxLength: 6 }),
        fc.nat({ max: 8 }),
      )
      .map(([commands, given, where, put, drop]) => {
        const bytes = request(commands, given)
        const place = where % bytes.length
        return Buffer.concat([bytes.subarray(0, place), Buffer.from(put), bytes.subarray(place + drop)])
      }),
  )
  fc.assert(
    fc.property(anything, cuts, (bytes, at) => {
      const whole = read([bytes])
      expect(read(inPieces(bytes, at)).said).toEqual(whole.said)
    }),
    { numRuns: 6000 },
  )
})

test('an accepted list names each ref once, by a name that git accepts', () => {
  const wild = fc.oneof(
    ref,
    fc.string({ unit: 'binary', maxLength: 20 }).map(text => `refs/heads/${text.replaceAll(/\0|\n$/g, '')}`),
    fc.constantFrom(
      'HEAD',
      'refs/heads/',
      'refs/heads/a..b',
      'refs/pull/x',
      'refs/heads/a\nb',
      'refs/heads/a b',
    ),
  )
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          ref: wild,
          old: fc.oneof(id, fc.constant(ZERO_ID)),
          new: fc.oneof(id, fc.constant(ZERO_ID)),
        }),
        {
          minLength: 1,
          maxLength: 4,
        },
      ),
      commands => {
        const { said } = read([request(commands, undefined)])
        if (said === undefined || said === 'probe' || 'problem' in said) return
        const all = [...said.commands, ...said.noOps]
        const names = all.map(each => each.ref)
        expect(new Set(names).size).toBe(names.length)
        for (const each of all) expect(refNameProblem(each.ref)).toBeUndefined()
        for (const each of said.commands) expect(each.old).not.toBe(each.new)
        for (const each of said.noOps) expect(each.old).toBe(each.new)
        expect(all.map(line).sort()).toEqual(commands.map(line).sort())
      },
    ),
    runs,
  )
})

const one = { ref: 'refs/heads/a', old: ZERO_ID, new: '1'.repeat(40) }
const caps = (words: string) => Buffer.concat([pktLine(`${line(one)}\0${words}`), FLUSH])

test.each([
  ['nothing but a flush', FLUSH, 'probe'],
  ['a capability that was not offered', caps(`${CAPABILITIES} push-cert=1-abc`), /capability push-cert/],
  [
    'SHA-1 ids as SHA-256',
    caps('report-status object-format=sha256'),
    /object ids are not of its object format, SHA-256/,
  ],
  ['an unknown object format', caps('report-status object-format=sha512'), /object format is not known/],
  [
    'two object formats',
    caps('report-status object-format=sha1 object-format=sha256'),
    /object format is not known/,
  ],
  [
    'ids of two formats',
    Buffer.concat([pktLine(`${line({ ...one, new: '1'.repeat(64) })}\0${CAPABILITIES}`), FLUSH]),
    /object ids are not of its object format, SHA-1/,
  ],
  ['no report asked for', caps('side-band-64k'), /must request report-status/],
  ['a line that is no command', Buffer.concat([pktLine('hello'), FLUSH]), /not a command/],
  ['an empty line', Buffer.concat([pktLine(''), FLUSH]), /not a command/],
  [
    'capital hex',
    Buffer.concat([pktLine(`${line({ ...one, new: 'A'.repeat(40) })}\0${CAPABILITIES}`), FLUSH]),
    /not a command/,
  ],
  [
    'short ids',
    Buffer.concat([pktLine(`${ZERO_ID} 1234567 refs/heads/a\0${CAPABILITIES}`), FLUSH]),
    /not a command/,
  ],
  ['a signed push', Buffer.concat([pktLine(`push-cert\0${CAPABILITIES}`), FLUSH]), /not a command/],
  [
    'capabilities on a later line',
    Buffer.concat([
      pktLine(`${line(one)}\0${CAPABILITIES}`),
      pktLine(`${line({ ...one, ref: 'refs/heads/b' })}\0push-options`),
      FLUSH,
    ]),
    /only the first/,
  ],
  ['a push option with a newline inside', request([one], ['a\nb']), /push option/],
  ['too many push options', request([one], Array<string>(65).fill('x')), /push option/],
] as const)('%s', (_what, bytes, expected) => {
  const { said } = read([bytes])
  if (typeof expected === 'string') expect(said).toBe(expected)
  else expect(said).toMatchObject({ problem: expect.stringMatching(expected) })
})

test('a list of SHA-256 ids is read, its void deletes are kept from git', () => {
  const [zero, tip] = ['0'.repeat(64), '2'.repeat(64)]
  const gone = { ref: 'refs/heads/gone', old: zero, new: zero }
  const created = { ref: 'refs/heads/a', old: zero, new: tip }
  const capabilities = CAPABILITIES.replace('sha1', 'sha256')
  const bytes = Buffer.concat([
    pktLine(`shallow ${tip}`),
    pktLine(`${line(gone)}\0${capabilities}`),
    pktLine(line(created)),
    FLUSH,
  ])
  const { said, raw } = read([bytes])
  expect(said).toMatchObject({ objectFormat: 'sha256', commands: [created], noOps: [gone] })
  expect(raw.toString()).toBe(
    Buffer.concat([
      pktLine(`shallow ${tip}`),
      pktLine(`${line(created)}\0${capabilities}`),
      FLUSH,
    ]).toString(),
  )
})

test('a list of too many refs or bytes is refused before it is in memory whole', () => {
  const many = Array.from({ length: MAX_COMMANDS + 1 }, (_, n) => ({ ...one, ref: `refs/heads/${n}` }))
  expect(read([request(many, undefined)]).said).toMatchObject({
    problem: expect.stringMatching(/5000 refs at most/),
  })
  const reader = new CommandListReader()
  const long = pktLine(`${line(one)}${'x'.repeat(60_000)}`)
  let sent = 0
  let said: ReturnType<CommandListReader['push']>
  for (; said === undefined && sent < 64 << 20; sent += long.length) said = reader.push(long)
  expect(said).toMatchObject({ problem: expect.stringMatching(/too long/) })
  expect(sent).toBeLessThan(2 << 20)
})
