import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { accepted } from '../../harness/index.ts'
import { body, send, ZERO } from '../wire.ts'
import {
  changed,
  creator,
  eve,
  fromBase,
  gate,
  id,
  nothingIsLeftBehind,
  oneRef,
  refusedPush,
  refusedPushes,
  rememberRefs,
  useBypassGate,
  work,
} from './bypass-gate.ts'

useBypassGate()

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
    await rememberRefs()
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

test('after all this the gate has nothing left behind, and accepts a push', nothingIsLeftBehind)
