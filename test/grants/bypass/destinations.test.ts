import { describe, expect, test } from 'vitest'
import { accepted, rejected } from '../../harness/index.ts'
import { body, type Line, packOf, send, ZERO } from '../wire.ts'
import {
  changed,
  creator,
  eve,
  gate,
  id,
  nothingIsLeftBehind,
  oneRef,
  refusedPush,
  rememberRefs,
  useBypassGate,
  work,
} from './bypass-gate.ts'

useBypassGate()

describe('where a push goes', () => {
  test('a branch that is a symbolic ref to main at upstream', async () => {
    await gate.upstream.git(['symbolic-ref', 'refs/heads/alias', 'refs/heads/main'])
    await rememberRefs()
    const ran = await work.git(['push', eve.url(), 'two:refs/heads/alias'])
    expect(ran, ran.output).toMatchObject(rejected)
    expect(ran.output).toMatch(/at upstream it is another name of refs\/heads\/main/)
    expect(await changed()).toEqual({})
  })

  test('the same, when the mirror knows main only', async () => {
    const boss = await gate.agent('boss', { push: ['main'] })
    expect(await work.git(['push', boss.url(), 'two:refs/heads/main'])).toMatchObject(accepted)
    await rememberRefs()
    const pack = await packOf(work, 'lost', '^two')
    const line: Line = [id('two'), id('three'), 'refs/heads/alias']
    await refusedPush(eve, body([line], pack), /at upstream it is another name of refs\/heads\/main/)
  })

  test('the same, when the mirror does not know the target’s new value', async () => {
    await gate.upstream.git(['update-ref', 'refs/heads/release', id('base')])
    await gate.upstream.git(['symbolic-ref', 'refs/heads/latest', 'refs/heads/release'])
    await work.text(['ls-remote', eve.url()])
    const moved = await gate.upstream.commit('release', 'Moved by hand')
    await rememberRefs()
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
    await rememberRefs()
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
    await gate.admin.request('DELETE', '/grants/mia/app')
    expect((await send(gate, mia, oneRef('refs/heads/mia/x'))).status).toBe(404)
    expect(await changed()).toEqual({})
  })
})

test('after all this the gate has nothing left behind, and accepts a push', nothingIsLeftBehind)
