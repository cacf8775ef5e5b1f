import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { FLUSH, pktLine } from '../../../container/git/pkt-line.ts'
import { rejected } from '../../harness/index.ts'
import { body, CAPABILITIES, packOf, send, ZERO } from '../wire.ts'
import {
  changed,
  eve,
  fromBase,
  gate,
  id,
  nothingIsLeftBehind,
  oneRef,
  refusedPush,
  refusedPushes,
  useBypassGate,
  work,
} from './bypass-gate.ts'

useBypassGate()

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

test('after all this the gate has nothing left behind, and accepts a push', nothingIsLeftBehind)
