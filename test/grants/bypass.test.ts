import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FLUSH, pktLine } from '../../container/git/pkt-line.ts'
import { type Clone, cloneIn } from '../harness/clone.ts'
import { type Agent, accepted, type Gate, gitText, rejected, seconds, startGate } from '../harness/index.ts'
import { body, CAPABILITIES, type Line, packOf, send, ZERO } from './wire.ts'

let gate: Gate
/** May create and update every branch but main. */
let eve: Agent
/** May only create branches. */
let creator: Agent
let work: Clone
let before: Readonly<Record<string, string>>
const ids: Record<string, string> = {}
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-ways-past-'))

beforeAll(async () => {
  gate = await startGate()
  await gate.upstream.git(['config', 'receive.advertisePushOptions', 'true'])
  await gitText(['clone', '-q', gate.upstream.dir, path.join(folder, 'work')])
  work = cloneIn(path.join(folder, 'work'))
  ids.base = await work.text(['rev-parse', 'HEAD'])
  ids.one = await work.commit('One', { one: 'one\n' })
  ids.two = await work.commit('Two', { two: 'two\n' })
  await work.text(['branch', 'two'])
  ids.unknown = await work.commit('Never pushed', { unknown: 'unknown\n' })
  ids.three = await work.commit('Three', { three: 'three\n' })
  await work.text(['branch', 'lost'])
  await work.text(['switch', '-q', '-c', 'side', ids.base])
  ids.side = await work.commit('Side', { side: 'side\n' })
  await work.text([
    'push',
    '-q',
    gate.upstream.dir,
    'two~1:refs/heads/stand/one',
    'side:refs/heads/stand/side',
    'two~1:refs/tags/stand',
  ])
  await gate.upstream.git(['update-ref', 'refs/pull/1/head', ids.one])
  eve = await gate.agent('eve', { push: ['**'], deny: ['main'], tags: ['refs/tags/**'] })
  creator = await gate.agent('creator', { push: ['creator/**'] })
  await gate.admin.grant('creator', 'app', { rules: [{ pattern: 'refs/heads/**', allow: ['create'] }] })
  fromBase = await packOf(work, 'two', `^${id('base')}`)
  before = await gate.upstream.refs()
}, seconds(120))
afterAll(async () => {
  await gate?.[Symbol.asyncDispose]()
  fs.rmSync(folder, { recursive: true, force: true })
})

const id = (name: string) => ids[name] ?? ZERO

/** Returns the refs of upstream that have changed. */
async function changed(): Promise<Record<string, string | undefined>> {
  const now = await gate.upstream.refs()
  const names = new Set([...Object.keys(before), ...Object.keys(now)])
  return Object.fromEntries([...names].filter(ref => now[ref] !== before[ref]).map(ref => [ref, now[ref]]))
}

/** Checks that each push is refused in git's words and recorded, and that upstream is unchanged. */
async function refusedPushes(who: Agent, bodies: readonly Buffer[], words: RegExp): Promise<void> {
  for (const bytes of bodies) {
    const answer = await send(gate, who, bytes)
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('application/x-git-receive-pack-result')
    expect(answer.report[0]).toMatch(/^unpack /)
    expect(answer.report.filter(line => line.startsWith('ok '))).toEqual([])
    expect(answer.report.join('\n')).toMatch(words)
  }
  expect(await changed()).toEqual({})
  const rows = (await gate.ledger.pushes()).slice(0, bodies.length)
  for (const row of rows)
    expect(row).toMatchObject({
      agent: who.name,
      outcome: expect.stringMatching(/^(refused|abandoned|failed)$/),
    })
}
const refusedPush = (who: Agent, bytes: Buffer, words: RegExp) => refusedPushes(who, [bytes], words)

/** A list that is not read to its end: a report would make git name every ref. */
async function refusedWhole(who: Agent, bytes: Buffer, words: RegExp): Promise<void> {
  const answer = await send(gate, who, bytes)
  expect(answer.shown).toMatch(words)
  expect(answer.report).toEqual(['\x03git-gate: nothing was pushed'])
  expect(await changed()).toEqual({})
  expect(await gate.ledger.last()).toMatchObject({ agent: who.name, outcome: 'refused' })
}

let fromBase: Buffer
const oneRef = (ref: string | Buffer) => body([[ZERO, id('two'), ref]], fromBase)

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

test('a token in the name of a ref that is refused before the scan is not recorded', async () => {
  const token = `ghp_${randomBytes(18).toString('hex')}`
  for (const ref of [`refs/remotes/${token}`, `refs/heads/${token}`]) {
    const old = ref.startsWith('refs/heads/') ? id('one') : ZERO
    await send(gate, creator, body([[old, id('two'), ref]], fromBase))
    const kept = await gate.ledger.until(push => push.outcome === 'refused')
    expect(kept.refs[0]?.ref).toContain('[redacted]')
    expect(JSON.stringify(kept)).not.toContain(token)
  }
})

describe('names of another ref, or of none', () => {
  const NOT_THERE = /it has|it ends|component|only refs\/heads\/, refs|longer|not a command/
  test.each([
    [
      'dots',
      [
        'refs/heads/../main',
        'refs/heads/x/../main',
        'refs/heads/./main',
        'refs/heads/..',
        'refs/../HEAD',
        'refs/heads/a..b',
      ],
    ],
    [
      'slashes',
      [
        'refs/heads//main',
        'refs//heads/main',
        '/refs/heads/main',
        'refs/heads/main/',
        'refs/heads',
        'refs/heads/',
        'refs\\heads\\main',
        'refs/heads/x\\main',
      ],
    ],
    [
      'endings',
      [
        'refs/heads/main.',
        'refs/heads/main.lock',
        'refs/heads/x.lock/y',
        'refs/heads/.hidden',
        'refs/heads/x/.y',
      ],
    ],
    [
      'names outside',
      [
        'HEAD',
        'FETCH_HEAD',
        'main',
        'heads/main',
        'refs/heads/HEAD',
        'refs/main',
        'refs/replace/1',
        'refs/notes',
        'refs/original/refs/heads/main',
        'refs/pull/1/head',
        'refs/pull/2/head',
        'refs/changes/01/1/1',
        'refs/for/',
        'refs/stash',
        'refs/remotes/origin/main',
        'refs/meta/config',
        'refs/bisect/bad',
        'refs/worktree/x',
        'refs/namespaces/x/refs/heads/main',
        'refs/merge-requests/1/head',
        'config',
        'objects/info/alternates',
        'hooks/update',
      ],
    ],
    [
      'other capitals of refs',
      ['REFS/HEADS/main', 'Refs/heads/main', 'refs/Heads/main', 'refs/HEADS/main', 'refs/Tags/v1'],
    ],
    [
      'spaces and control characters',
      [
        'refs/heads/main\n',
        'refs/heads/x\nrefs/heads/main',
        `refs/heads/x\n${ZERO} ${ZERO} refs/heads/main`,
        'refs/heads/main\r',
        'refs/heads/ma\tin',
        'refs/heads/main ',
        ' refs/heads/main',
        'refs/heads/ma in',
        'refs/heads/ma\u007fin',
        'refs/heads/\u001b[2Kmain',
        'refs/heads/ma\bin',
      ],
    ],
    [
      'revision and refspec syntax',
      [
        'refs/heads/main^{}',
        'refs/heads/main~0',
        'refs/heads/main^0',
        'refs/heads/@{-1}',
        'refs/heads/x@{u}',
        'refs/heads/x:refs/heads/main',
        '+refs/heads/main',
        '^refs/heads/main',
        ':refs/heads/main',
        'refs/heads/*',
        'refs/heads/m?in',
        'refs/heads/[m]ain',
        'refs/heads/-x',
        'refs/heads/x/--exec',
        '--receive-pack=id',
      ],
    ],
    [
      'characters that are not seen',
      [
        '\u200b',
        '\u200c',
        '\u200d',
        '\u200e',
        '\u200f',
        '\u202a',
        '\u202e',
        '\u2060',
        '\u2063',
        '\u2066',
        '\u2069',
        '\ufeff',
        '\u00ad',
        '\u034f',
        '\u061c',
        '\u115f',
        '\u3164',
        '\uffa0',
        '\u180e',
        '\ufe0f',
        '\u{e0061}',
        '\u{e0101}',
        '\u00a0',
        '\u2003',
        '\u202f',
        '\u3000',
        '\u2028',
        '\u2029',
        '\u0085',
        '\u009b',
        '\u2800',
      ].map(mark => `refs/heads/ma${mark}in`),
    ],
    [
      'bytes that are no text',
      [
        Buffer.from('refs/heads/ma\xe9in', 'latin1'),
        Buffer.from('refs/heads\xc0\xafmain', 'latin1'),
        Buffer.from('refs/heads/\xed\xa0\x80main', 'latin1'),
        Buffer.from('refs/heads/main\xff', 'latin1'),
        Buffer.from('refs/heads/\xc0\xae\xc0\xae/main', 'latin1'),
      ],
    ],
    [
      'a name longer than any',
      [
        `refs/heads/${'x'.repeat(600)}`,
        `refs/heads/${'x'.repeat(65_000)}`,
        Buffer.concat([Buffer.from('refs/heads/'), Buffer.alloc(65_000, 0xff)]),
      ],
    ],
  ] as const)('%s', async (_what, names: readonly (string | Buffer)[]) => {
    await refusedPushes(eve, names.map(oneRef), NOT_THERE)
  })

  test('a NUL ends the name, and what follows it is no name either', async () => {
    await refusedPush(eve, oneRef('refs/heads/x\0y'), /capability y|not offered/)
    const second = [ZERO, id('two'), 'refs/heads/y\0push-options'] as const
    await refusedPush(eve, body([[ZERO, id('two'), 'refs/heads/x'], second], fromBase), /only the first line/)
  })

  test('a name that looks like main, or is spelled differently, is another branch', async () => {
    const names = [
      'Main',
      'MAIN',
      'm\u0430in',
      'ｍａｉｎ',
      'mai\u0144',
      'main\u0301',
      'main%00',
      '%6dain',
      '..%2fmain'.slice(2),
      'refs/heads/main',
      'heads/main',
      'main-',
      'x/main',
      'x/mаin',
    ].map(name => `refs/heads/look/${name}`)
    const pushed = await work.git([
      'push',
      eve.url(),
      ...names.map(ref => `two:${ref}`),
      'two:refs/tags/look/main',
    ])
    expect(pushed, pushed.output).toMatchObject(accepted)
    const all = [...names, 'refs/tags/look/main']
    expect(await changed()).toEqual(Object.fromEntries(all.map(ref => [ref, id('two')])))
    before = await gate.upstream.refs()
  })

  test('main stays denied for every command', async () => {
    const why = /eve may (not )?(create|update|delete)/
    await refusedPush(eve, body([[id('base'), id('two'), 'refs/heads/main']], fromBase), why)
    await refusedPush(eve, body([[ZERO, id('two'), 'refs/heads/main']], fromBase), why)
    await refusedPush(eve, body([[id('base'), ZERO, 'refs/heads/main']]), why)
    await refusedPush(
      eve,
      body(
        [
          [id('base'), id('two'), 'refs/heads/main'],
          [ZERO, id('two'), 'refs/heads/fine'],
        ],
        fromBase,
      ),
      why,
    )
  })
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
      /must ask for report-status/,
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

describe('bodies', () => {
  test('a pack without commands', async () => {
    await refusedPush(eve, Buffer.concat([FLUSH, fromBase]), /names no ref/)
  })
  test('commands without a pack', async () => {
    await refusedPush(eve, body([[ZERO, id('two'), 'refs/heads/x']]), /ng refs\/heads\/x/)
  })
  test('a pack of something else', async () => {
    const side = await packOf(work, 'side', `^${id('base')}`)
    await refusedPush(eve, body([[ZERO, id('three'), 'refs/heads/x']], side), /its objects are missing/)
  })
  test('a pack without its base objects, declared as shallow or not', async () => {
    const pack = await packOf(work, 'lost', '^lost~1')
    const list = body([[ZERO, id('three'), 'refs/heads/x']], pack)
    const edge = pktLine(`shallow ${id('three')}`)
    const bodies = [list, body([[ZERO, id('three'), 'refs/tags/x']], pack), Buffer.concat([edge, list])]
    await refusedPushes(eve, bodies, /git could not take the pack|its objects are missing/)
    await refusedPush(
      eve,
      Buffer.concat([pktLine(`shallow ${id('three')} x`), list]),
      /not a command|only the first/,
    )
  })
  test('a gzipped push that does not say so, or by another name', async () => {
    const bytes = gzipSync(oneRef('refs/heads/x'))
    for (const coding of ['deflate', 'gzip, gzip'])
      expect(await send(gate, eve, bytes, { headers: { 'content-encoding': coding } })).toMatchObject({
        status: 415,
      })
    await refusedPush(eve, bytes, /does not start with its length/)
  })
  test('bytes after a push that only deletes are no commands', async () => {
    const deleter = await gate.agent('deleter2', { push: ['x/**'], delete: ['gone'] })
    await gate.upstream.git(['update-ref', 'refs/heads/gone', id('one')])
    const more = body([[id('base'), ZERO, 'refs/heads/main']])
    const answer = await send(gate, deleter, body([[id('one'), ZERO, 'refs/heads/gone']], more))
    expect(answer.report).toEqual(['unpack ok', 'ok refs/heads/gone'])
    expect(await changed()).toEqual({})
  })
  test('push options without the right', async () => {
    const ran = await work.git(['push', '-o', 'ci.skip', eve.url(), 'two:refs/heads/x'])
    expect(ran, ran.output).toMatchObject(rejected)
    expect(ran.output).toMatch(/eve may not pass the push option ci\.skip/)
    expect(await changed()).toEqual({})
    const odd = Buffer.concat([
      body([[ZERO, id('two'), 'refs/heads/x']], undefined, `${CAPABILITIES} push-options`),
      pktLine('a\nb'),
      FLUSH,
    ])
    await refusedPush(eve, odd, /control characters/)
  })
  test('a push option beside those that the grant allows', async () => {
    const may = await gate.agent('options', { push: ['x/**'], pushOptions: ['merge_request.*', 'topic=*'] })
    for (const option of ['ci.skip', 'secret_push_protection.skip_all', 'merge_request', 'xtopic=a', '']) {
      const ran = await work.git([
        'push',
        '-o',
        'merge_request.create',
        '-o',
        option,
        may.url(),
        'two:refs/heads/x/y',
      ])
      expect(ran, ran.output).toMatchObject(rejected)
      expect(ran.output).toMatch(/options may not pass the push option/)
      expect(ran.output).toMatch(/allowed push options: merge_request\.\*, topic=\*/)
    }
    expect(await changed()).toEqual({})
    const ran = await work.git([
      'push',
      '-o',
      'merge_request.target=release/1',
      '-o',
      'topic=a b',
      may.url(),
      'two:refs/heads/x/y',
    ])
    expect(ran, ran.output).toMatchObject({ code: 0 })
    await gate.upstream.git(['update-ref', '-d', 'refs/heads/x/y'])
  })
  test('the value of a refused push option is in no record', async () => {
    const value = ['gl', 'pat-', 'Ab3dEf6hIj9lMn2pQr5t'].join('')
    const ran = await work.git(['push', '-o', `token=${value}`, '-o', value, eve.url(), 'two:refs/heads/x'])
    expect(ran, ran.output).toMatchObject(rejected)
    expect(ran.output).not.toContain(value)
    expect(JSON.stringify(await gate.ledger.last())).not.toContain(value)
  })
})

describe('where a push goes', () => {
  test('a branch that is a symbolic ref to main at upstream', async () => {
    await gate.upstream.git(['symbolic-ref', 'refs/heads/alias', 'refs/heads/main'])
    before = await gate.upstream.refs()
    const ran = await work.git(['push', eve.url(), 'two:refs/heads/alias'])
    expect(ran, ran.output).toMatchObject(rejected)
    expect(ran.output).toMatch(/at upstream it is another name of refs\/heads\/main/)
    expect(await changed()).toEqual({})
  })

  test('the same, when the mirror knows main only', async () => {
    const boss = await gate.agent('boss', { push: ['main'] })
    expect(await work.git(['push', boss.url(), 'two:refs/heads/main'])).toMatchObject(accepted)
    before = await gate.upstream.refs()
    const pack = await packOf(work, 'lost', '^two')
    const line: Line = [id('two'), id('three'), 'refs/heads/alias']
    await refusedPush(eve, body([line], pack), /at upstream it is another name of refs\/heads\/main/)
  })

  test('the same, when the mirror does not know the target’s new value', async () => {
    await gate.upstream.git(['update-ref', 'refs/heads/release', id('base')])
    await gate.upstream.git(['symbolic-ref', 'refs/heads/latest', 'refs/heads/release'])
    await work.text(['ls-remote', eve.url()])
    const moved = await gate.upstream.commit('release', 'Moved by hand')
    before = await gate.upstream.refs()
    await work.text(['fetch', '-q', gate.upstream.dir, 'release'])
    await work.text(['switch', '-q', '-c', 'onto-release', moved])
    const further = await work.commit('Further')
    const pack = await packOf(work, 'onto-release', '^two')
    const words = /at upstream it is another name of refs\/heads\/release/
    await refusedPush(eve, body([[moved, further, 'refs/heads/latest']], pack), words)
  })

  test('a branch that is a symbolic ref to another kind of ref at upstream', async () => {
    await gate.upstream.git(['update-ref', 'refs/releases/v1', id('base')])
    await gate.upstream.git(['symbolic-ref', 'refs/heads/newest', 'refs/releases/v1'])
    before = await gate.upstream.refs()
    const ran = await work.git(['push', eve.url(), 'two:refs/heads/newest'])
    expect(ran, ran.output).toMatchObject(rejected)
    expect(ran.output).toMatch(/at upstream it is another name of refs\/releases\/v1/)
    expect(await changed()).toEqual({})
  })

  test('another repository, by its path, its name in another spelling, or a header', async () => {
    const other = await gate.repository('other')
    const had = await other.refs()
    const bytes = oneRef('refs/heads/x')
    for (const path of [
      '/other.git/git-receive-pack',
      '/other/git-receive-pack',
      '/OTHER.git/git-receive-pack',
      '/app.git/../other.git/git-receive-pack',
      '/app.git%2f..%2fother.git/git-receive-pack',
      '//other.git/git-receive-pack',
      '/other.git/./git-receive-pack',
    ])
      expect((await send(gate, eve, bytes, { path })).status).toBeGreaterThanOrEqual(400)
    for (const name of ['x-original-url', 'x-rewrite-url', 'x-forwarded-path', 'path-info', 'x-git-dir'])
      await send(gate, creator, body([[ZERO, ZERO, 'refs/heads/x']]), {
        headers: { [name]: '/other.git/git-receive-pack' },
      })
    expect(await other.refs()).toEqual(had)
    expect((await gate.ledger.pushes()).filter(push => push.repository === 'other')).toEqual([])
  })

  test('a grant that is removed between the advertisement and the push', async () => {
    const mia = await gate.agent('mia', { push: ['mia/**'] })
    const refs = await send(gate, mia, Buffer.alloc(0), {
      method: 'GET',
      path: '/app.git/info/refs?service=git-receive-pack',
    })
    expect(refs.status).toBe(200)
    await gate.admin.grant('mia', 'app', { rules: [] })
    expect((await send(gate, mia, oneRef('refs/heads/mia/x'))).status).toBe(403)
    await gate.admin.ask('DELETE', '/grants/mia/app')
    expect((await send(gate, mia, oneRef('refs/heads/mia/x'))).status).toBe(404)
    expect(await changed()).toEqual({})
  })
})

test('after all this the gate has nothing left behind, and accepts a push', async () => {
  const ran = await work.git(['push', eve.url(), 'two:refs/heads/afterwards'])
  expect(ran, ran.output).toMatchObject(accepted)
  await gate.idle({ within: seconds(30) })
  expect((await gate.ledger.pushes()).filter(push => push.outcome === 'open')).toEqual([])
  expect(gate.log.filter(line => line.includes('"level":"error"'))).toEqual([])
})
