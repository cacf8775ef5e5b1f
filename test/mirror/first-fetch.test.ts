import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { createGit, type Git } from '../../container/git/git.ts'
import { GitProgress } from '../../container/git/git-progress.ts'
import { type RefList, readMirrorRefs } from '../../container/git/ref-list.ts'
import { fetchRefs } from '../../container/mirror/fetch-refs.ts'
import { fetchFirst, isUnfinished } from '../../container/mirror/first-fetch.ts'
import type { Link } from '../../container/upstream/link.ts'
import { UpstreamError } from '../../container/upstream/upstream-error.ts'
import { upstreamOf } from '../harness/hosts/upstream-of.ts'
import { faultyLink, git, gitText } from '../harness/index.ts'

const KIB = 1024
const signal = new AbortController().signal
const env = { PATH: process.env.PATH ?? '', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' }

/** A repository of 12 commits on main, and two branches, with 75 KiB in each commit. */
async function makeUpstream(dir: string): Promise<void> {
  await gitText(['init', '-q', '--bare', dir])
  const commit = (branch: string, i: number, from: string) => {
    const content = randomBytes(75 * KIB).toString('base64')
    return `commit refs/heads/${branch}\nmark :${i + 1}\ncommitter A <a@b.c> ${1_700_000_000 + i} +0000\ndata 1\nx\n${from}M 644 inline ${branch}\ndata ${content.length}\n${content}\n`
  }
  const main = Array.from({ length: 12 }, (_, i) => commit('main', i, ''))
  const others = ['a', 'b'].map((name, i) => commit(name, 30 + i, `from :${4 * i + 3}\n`))
  const input = [...main, ...others].join('')
  expect(await git(['fast-import', '--quiet'], { cwd: dir, input })).toMatchObject({ code: 0 })
}

/** Serves the repositories below `dir` over `git://`. */
async function serve(dir: string): Promise<AsyncDisposable & { readonly port: number }> {
  const server = net.createServer({ pauseOnConnect: true }, socket => {
    spawn('git', ['daemon', '--inetd', '--export-all', `--base-path=${dir}`], {
      stdio: [socket, socket, 'ignore'],
    })
    socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as net.AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

const linkOf = (): Link => ({
  connect: async () => {},
  acquire: async () => ({
    git: { env: {} },
    startUploadPack: () => {
      throw new Error('not used')
    },
    release() {},
  }),
})

test('a first fetch that is cut again and again keeps what has come, and ends', async () => {
  await using all = new AsyncDisposableStack()
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-first-fetch-'))
  all.defer(() => fs.rmSync(dir, { recursive: true, force: true }))
  await makeUpstream(path.join(dir, 'upstream.git'))
  const server = all.use(await serve(dir))
  const link = all.use(await faultyLink(server.port))
  // Three commits.
  link.cutAfter(240 * KIB)
  await gitText(['init', '-q', '--bare', path.join(dir, 'mirror.git')])
  const mirror: Git = createGit(path.join(dir, 'mirror.git'), env)
  const refs = await readMirrorRefs(createGit(path.join(dir, 'upstream.git'), env), signal)
  const there: RefList = { refs: refs.refs, head: 'refs/heads/main' }
  const upstream = upstreamOf({ url: `git://127.0.0.1:${link.port}/upstream.git` })
  const attempt = () => {
    const from = { git: mirror, link: linkOf(), upstream, progress: new GitProgress(), signal }
    return fetchFirst(from, there, () => fetchRefs(from, ['--prune'], ['+refs/heads/*:refs/heads/*']))
  }
  let cuts = 0
  for (; cuts < 25; cuts++)
    try {
      await attempt()
      break
    } catch (error) {
      expect(error).toBeInstanceOf(UpstreamError)
      expect(await isUnfinished(mirror)).toBe(true)
    }
  expect(cuts).toBeGreaterThan(2)
  expect(cuts).toBeLessThan(25)
  expect(await isUnfinished(mirror)).toBe(false)
  expect((await readMirrorRefs(mirror, signal)).refs).toEqual(there.refs)
  expect(fs.existsSync(path.join(mirror.dir, 'shallow'))).toBe(false)
  expect((await mirror.run(['fsck', '--full'], { signal })).code).toBe(0)
})
