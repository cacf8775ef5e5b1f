import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { createGit } from '../../container/git/git.ts'
import { readMirrorRefs } from '../../container/git/ref-list.ts'
import { fetchRefs } from '../../container/mirror/fetch-refs.ts'
import type { Link } from '../../container/upstream/link.ts'
import { listUpstream } from '../../container/upstream/list-refs.ts'
import { upstreamOf } from '../harness/hosts/upstream-of.ts'

const signal = AbortSignal.timeout(60_000)

/** An upstream with a branch and an annotated tag, an empty mirror, and a link that counts its sessions. */
function stage(protocol = 'version=2') {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-fetch-session-'))
  const [dir, mirrorDir] = [path.join(folder, 'upstream.git'), path.join(folder, 'mirror.git')]
  const who = { GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@example.com' }
  const env = { ...process.env, ...who, GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a@example.com' }
  const run = (...args: string[]) => execFileSync('git', args, { cwd: folder, env, encoding: 'utf8' }).trim()
  run('init', '-q', '--bare', '-b', 'main', dir)
  run('init', '-q', '--bare', mirrorDir)
  const upstreamGit = (...args: string[]) => run('--git-dir', dir, ...args)
  const tree = upstreamGit('hash-object', '-t', 'tree', '-w', '/dev/null')
  const commit = (branch: string, words: string) => {
    const id = upstreamGit('commit-tree', '-m', words, tree)
    upstreamGit('update-ref', `refs/heads/${branch}`, id)
    return id
  }
  commit('main', 'First')
  upstreamGit('tag', '-a', '-m', 'Tagged', 'v1', 'refs/heads/main')
  const sessions: ChildProcess[] = []
  const released: unknown[] = []
  const link = {
    acquire: async () => ({
      git: { env: { GIT_SSH_COMMAND: 'false' } },
      startUploadPack() {
        const env = { ...process.env, GIT_PROTOCOL: protocol }
        const child = spawn('git', ['upload-pack', dir], { stdio: 'pipe', env })
        sessions.push(child)
        return { child, isHelper: false }
      },
      release: (how?: object) => void released.push(how),
    }),
  } as unknown as Link
  const mirror = createGit(mirrorDir, { PATH: process.env.PATH ?? '', GIT_CONFIG_NOSYSTEM: '1' })
  return {
    dir,
    link,
    mirror,
    commit,
    upstreamGit,
    sessions,
    released,
    refs: async () => Object.fromEntries((await readMirrorRefs(mirror, signal)).refs),
    list: () => listUpstream(link, upstreamOf({ url: 'ssh://nowhere/' }), 'sha1', signal),
    fetch(session: Awaited<ReturnType<typeof listUpstream>>['session'], url = 'ssh://nowhere/') {
      const from = { git: mirror, link, upstream: upstreamOf({ url }), session, progress: undefined, signal }
      return fetchRefs(from, ['--prune'], ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'])
    },
    [Symbol.dispose]: () => fs.rmSync(folder, { recursive: true, force: true }),
  }
}

test('a fetch in the session that has listed the refs gets exactly these, and starts no other session', async () => {
  using at = stage()
  for (const step of ['create', 'move', 'delete']) {
    if (step === 'move') at.commit('main', 'Second')
    if (step === 'delete') at.upstreamGit('tag', '-d', 'v1')
    const { refs, session } = await at.list()
    at.commit('later', `Later than the list: ${step}`)
    await at.fetch(session)
    expect(await at.refs()).toEqual(Object.fromEntries(refs.refs))
  }
  expect(await at.mirror.run(['fsck', '--full', '--strict'], { signal })).toMatchObject({ code: 0 })
  expect(at.sessions).toHaveLength(3)
  await expect.poll(() => at.released).toEqual(Array.from({ length: 3 }, () => ({ broken: false })))
})

test('git does not wait until the session has ended at upstream', async () => {
  using at = stage()
  for (const words of ['First', 'Second']) {
    at.commit('main', words)
    const { session } = await at.list()
    const child = at.sessions.at(-1)
    // Upstream's git never sees that its client has ended.
    if (child?.stdin) child.stdin.end = () => child.stdin as NonNullable<typeof child.stdin>
    await at.fetch(session)
    expect((await at.refs())['refs/heads/main']).toBe(at.upstreamGit('rev-parse', 'main'))
    expect(child?.exitCode).toBeNull()
    child?.kill()
  }
  expect(at.sessions).toHaveLength(2)
})

test('git fetches in a session of its own where that session has ended, or was used', async () => {
  using at = stage()
  const { refs, session } = await at.list()
  const [child] = at.sessions
  child?.kill()
  if (child) await once(child, 'exit')
  await at.fetch(session, at.dir)
  expect(await at.refs()).toEqual(Object.fromEntries(refs.refs))
  const again = await at.list()
  await at.fetch(again.session)
  at.commit('main', 'Second')
  await at.fetch(again.session, at.dir)
  expect((await at.refs())['refs/heads/main']).toBe(at.upstreamGit('rev-parse', 'main'))
  await expect(at.fetch(again.session)).rejects.toThrow()
})

test('a session that no fetch uses ends by itself, and an upstream without protocol version 2 leaves none', async () => {
  using at = stage()
  const { session } = await at.list()
  session?.end()
  await expect.poll(() => at.sessions[0]?.exitCode).toBe(0)
  await expect.poll(() => at.released).toEqual([{ broken: false }])
  using old = stage('version=0')
  const listed = await old.list()
  expect(listed.session).toBeUndefined()
  expect(listed.refs.refs.size).toBe(2)
  expect(old.released).toHaveLength(1)
})
