import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { postPush } from '../faults/fixtures/raw-push.ts'
import { accepted, git, gitText, megabytes, seconds, sharedGate, startGate } from '../harness/index.ts'

const anything = {
  push: ['refs/heads/**'],
  force: ['refs/heads/**'],
  delete: ['refs/heads/**', 'refs/tags/**'],
  tags: ['refs/tags/**'],
  pushOptions: ['ci.*'],
}

test.each(['0', '1', '2'])(
  'protocol v%s: clone, shallow and partial clone, fetch and push',
  async version => {
    await using gate = await sharedGate()
    const ada = await gate.agent('ada', anything)
    const speaks = ['-c', `protocol.version=${version}`]
    const work = await ada.clone(...speaks)
    const shallow = await ada.clone(...speaks, '--depth=1')
    await ada.clone(...speaks, '--filter=blob:none')

    const commit = await work.commit('Say hello', { 'hello.txt': 'hello\n' })
    expect(await work.git([...speaks, 'push', 'origin', 'HEAD:main'])).toMatchObject(accepted)
    expect(await gate.upstream.ref('refs/heads/main')).toBe(commit)

    const behind = await gate.upstream.commit('main', 'Behind the gate')
    await shallow.text([...speaks, 'fetch', '-q', 'origin', 'main'])
    expect(await shallow.text(['rev-parse', 'FETCH_HEAD'])).toBe(behind)
    await shallow.text(['reset', '-q', '--hard', 'FETCH_HEAD'])
    const fromShallow = await shallow.commit('From a shallow clone')
    expect(await shallow.git([...speaks, 'push', 'origin', 'HEAD:shallow'])).toMatchObject(accepted)
    expect(await gate.upstream.ref('refs/heads/shallow')).toBe(fromShallow)
  },
)

test.each(['object:type=blob', 'sparse:oid=main:README.md', 'combine:blob:none+object:type=commit'])(
  'a filter that makes the server work without a bound (%s) is refused',
  async filter => {
    await using gate = await sharedGate()
    const ada = await gate.agent('ada', anything)
    const ran = await ada.tryClone('--no-checkout', `--filter=${filter}`)
    expect(ran.code).not.toBe(0)
    expect(ran.output).toMatch(/filter '[a-z:]+' not supported/)
    await ada.clone('--filter=tree:1', '--no-checkout')
  },
)

test('many refs, tags of both kinds, deletes, force and push options reach upstream as asked', async () => {
  await using gate = await sharedGate()
  gate.upstream.hook('pre-receive', 'env | grep GIT_PUSH_OPTION >> "$PWD/options" || true')
  await gate.upstream.git(['config', 'receive.advertisePushOptions', 'true'])
  const ada = await gate.agent('ada', anything)
  const work = await ada.clone()
  const one = await work.commit('One', { one: '1' })
  await work.text(['tag', '-a', '-m', 'The first', 'v1'])
  await work.text(['tag', 'light'])
  expect(await work.push('--atomic', 'HEAD:a', 'HEAD:b', '--tags', '-o', 'ci.skip')).toMatchObject(accepted)
  expect(await gate.upstream.refs()).toMatchObject({
    'refs/heads/a': one,
    'refs/heads/b': one,
    'refs/tags/light': one,
  })
  expect(await gate.upstream.git(['cat-file', '-t', 'refs/tags/v1'])).toBe('tag')
  expect(await gate.upstream.git(['rev-parse', 'v1^{commit}'])).toBe(one)

  await work.text(['commit', '-q', '--amend', '-m', 'Another one'])
  const other = await work.text(['rev-parse', 'HEAD'])
  expect(await work.push('HEAD:a')).toMatchObject({ code: 1 })
  expect(await work.push('+HEAD:a')).toMatchObject(accepted)
  expect(await work.push(':b', ':refs/tags/light')).toMatchObject(accepted)
  const refs = await gate.upstream.refs()
  expect(refs['refs/heads/a']).toBe(other)
  expect(refs).not.toHaveProperty('refs/heads/b')
  expect(refs).not.toHaveProperty('refs/tags/light')
  expect(await gate.upstream.git(['show', 'HEAD:README.md'])).not.toBe('')
  expect(fs.readFileSync(`${gate.upstream.dir}/options`, 'utf8')).toContain('ci.skip')
})

// Git sends more than 1 MiB in chunks. test/edge/docker.test.ts pushes 40 MB.
test('a push that git sends in chunks, and its clone', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', anything)
  const work = await ada.clone()
  // Random bytes do not deflate.
  await work.text(['config', 'core.compression', '0'])
  const commit = await work.commit('Large', { one: megabytes(5), two: megabytes(5) })
  expect(await work.push('HEAD:large')).toMatchObject(accepted)
  expect(await gate.upstream.ref('refs/heads/large')).toBe(commit)
  const back = await ada.clone('-b', 'large')
  expect(await back.text(['rev-parse', 'HEAD'])).toBe(commit)
})

test('a fetch whose request git compresses', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', anything)
  // Git compresses an upload-pack request of more than 1 KiB: many haves of another history make one.
  const work = await ada.clone()
  const commits = Array.from(
    { length: 60 },
    (_, i) => `commit refs/heads/far\ncommitter Ada <ada@example.com> now\ndata <<END\nFar ${i}\nEND\n`,
  )
  const imported = work.git(['fast-import', '--quiet', '--date-format=now'], { input: commits.join('') })
  expect(await imported).toMatchObject(accepted)
  const behind = await gate.upstream.commit('main', 'Behind the gate')
  const traced = await work.git(['fetch', 'origin', 'main'], { env: { GIT_TRACE_CURL: '1' } })
  expect(traced).toMatchObject(accepted)
  expect(traced.output).toMatch(/content-encoding: gzip/i)
  expect(await work.text(['rev-parse', 'FETCH_HEAD'])).toBe(behind)
})

/** The suite's time does not grow with the project's history. */
const NEWEST_COMMITS = 100

test(
  "this project's own newest history goes through the gate into an empty upstream and comes back identical",
  async () => {
    await using gate = await startGate({ upstream: { empty: true }, settings: { GATE_SCAN_SECONDS: '400' } })
    const ada = await gate.agent('ada', anything)
    using history = await newestHistory(import.meta.dirname)
    const pushed = await git(['push', ada.url(), 'newest:refs/heads/main'], {
      cwd: history.dir,
      within: seconds(420),
    })
    expect(pushed, pushed.output).toMatchObject(accepted)
    const back = await ada.clone()
    expect(await back.text(['rev-parse', 'HEAD'])).toBe(
      await gitText(['rev-parse', 'newest'], { cwd: history.dir }),
    )
    expect(await back.text(['rev-list', '--count', 'HEAD'])).toBe(
      await gitText(['rev-list', '--count', 'newest'], { cwd: history.dir }),
    )
  },
  seconds(500),
)

/**
 * Makes a repository whose branch `newest` has the newest commits of the repository `of`, of which the first has all
 * files of its time. `of` may be a shallow clone.
 */
async function newestHistory(of: string): Promise<{ dir: string } & Disposable> {
  using made = new DisposableStack()
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-history-'))
  made.defer(() => fs.rmSync(dir, { recursive: true, force: true }))
  const [head, objects, shallow] = await Promise.all(
    [['HEAD'], ['--git-path', 'objects'], ['--git-path', 'shallow']].map(async what =>
      gitText(['rev-parse', '--path-format=absolute', ...what], { cwd: of }),
    ),
  )
  await gitText(['init', '-q', '--bare', dir])
  fs.writeFileSync(path.join(dir, 'objects/info/alternates'), `${objects}\n`)
  if (shallow && fs.existsSync(shallow)) fs.copyFileSync(shallow, path.join(dir, 'shallow'))
  const all = 'refs/heads/all'
  await gitText(['update-ref', all, head ?? ''], { cwd: dir })
  const commits = await gitText(
    ['fast-export', '--no-data', `--max-count=${NEWEST_COMMITS}`, `--refspec=${all}:refs/heads/newest`, all],
    { cwd: dir },
  )
  await gitText(['fast-import', '--quiet'], { cwd: dir, input: `${commits}\n` })
  fs.rmSync(path.join(dir, 'shallow'), { force: true })
  const ends = made.move()
  return { dir, [Symbol.dispose]: () => ends.dispose() }
}

test('a request without a ref, probe or not, gets git’s own answer and is not recorded as a push', async () => {
  await using gate = await startGate({ settings: { GATE_OPEN_PUSH_TIMEOUT_SECONDS: '1' } })
  const ada = await gate.agent('ada', anything)
  const authorization = `Bearer ${ada.token}`
  const probe = await fetch(`${gate.url}/app.git/git-receive-pack`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/x-git-receive-pack-request' },
    body: '0000',
  })
  expect([probe.status, await probe.text()]).toEqual([200, ''])

  const chunked = await postPush(gate.port, '/app.git/git-receive-pack', {
    authorization,
    connection: 'close',
  })
  chunked.send(Buffer.from('0000'))
  chunked.end()
  await chunked.closed
  expect(chunked.answer).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*application\/x-git-receive-pack-result/i)
  expect(chunked.answer).not.toContain('unpack')
  expect(await gate.ledger.pushes()).toEqual([])
  await gate.tick()
  expect(await gate.ledger.pushes()).toEqual([])
})
