import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import type { Link, LinkLease } from '../../container/upstream/link.ts'
import { listUpstream } from '../../container/upstream/list-refs.ts'
import { createPreparedSessions } from '../../container/upstream/ssh/prepared-sessions.ts'
import { upstreamOf } from '../harness/hosts/upstream-of.ts'

const signal = AbortSignal.timeout(60_000)
const upstream = upstreamOf({ url: 'ssh://nowhere/' })

/** An upstream with a branch, and a link that counts the sessions that it starts. */
function stage({ waitMs = 60_000, openAfterMs = 0, all = new Set() } = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-prepared-'))
  const dir = path.join(folder, 'upstream.git')
  const who = { GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@example.com' }
  const env = { ...process.env, ...who, GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a@example.com' }
  const run = (...args: string[]) => execFileSync('git', args, { cwd: folder, env, encoding: 'utf8' }).trim()
  run('init', '-q', '--bare', '-b', 'main', dir)
  const at = (...args: string[]) => run('--git-dir', dir, ...args)
  const tree = at('hash-object', '-t', 'tree', '-w', '/dev/null')
  const commit = (branch: string) => {
    const id = at('commit-tree', '-m', branch, tree)
    at('update-ref', `refs/heads/${branch}`, id)
    return id
  }
  commit('main')
  const sessions: ChildProcess[] = []
  const released: unknown[] = []
  let protocol = 'version=2'
  const acquire = async () =>
    ({
      git: { env: {} },
      startUploadPack() {
        const child = spawn('git', ['upload-pack', dir], {
          stdio: 'pipe',
          env: { ...process.env, GIT_PROTOCOL: protocol },
        })
        sessions.push(child)
        return { child, isHelper: false }
      },
      release: how => void released.push(how),
    }) as LinkLease
  const sessionsAhead = createPreparedSessions(all, { waitMs, openAfterMs })
  const prepared = sessionsAhead.over(acquire)
  const link = { acquire, prepared } as unknown as Link
  return {
    sessions,
    released,
    prepared,
    commit,
    at,
    close: sessionsAhead.close,
    async list() {
      const { refs, session } = await listUpstream(link, upstream, 'sha1', signal)
      session?.end()
      return refs.refs
    },
    /** Lists often enough that a session is prepared, and waits until it has begun. */
    async prepare() {
      await this.list()
      await this.list()
      await expect.poll(() => sessions.length).toBe(3)
    },
    speak(version: number) {
      protocol = `version=${version}`
    },
    [Symbol.dispose]() {
      sessionsAhead.close()
      fs.rmSync(folder, { recursive: true, force: true })
    },
  }
}

test('an upstream that is asked often is asked in a session that is open, and lists its refs as they are now', async () => {
  using here = stage()
  await here.prepare()
  expect(here.sessions).toHaveLength(3)
  const id = here.commit('later')
  here.at('pack-refs', '--all')
  here.at('gc', '-q')
  const moved = here.commit('main')
  const refs = await here.list()
  expect(refs.get('refs/heads/later')).toBe(id)
  expect(refs.get('refs/heads/main')).toBe(moved)
  // The fourth is prepared for the next request.
  await expect.poll(() => here.sessions.length).toBe(4)
})

test('an upstream that has ended the session is asked in another', async () => {
  using here = stage()
  await here.prepare()
  const waiting = here.sessions.at(-1)
  waiting?.kill()
  if (waiting) await once(waiting, 'exit')
  const id = here.commit('later')
  expect((await here.list()).get('refs/heads/later')).toBe(id)
  await expect.poll(() => here.sessions.length).toBe(5)
  here.sessions.at(-1)?.stdin?.end()
  const last = here.commit('last')
  // It ends while it is asked.
  expect((await here.list()).get('refs/heads/last')).toBe(last)
})

test('the list that an older protocol has sent ahead is not used', async () => {
  using here = stage()
  await here.list()
  await here.list()
  here.speak(0)
  await expect.poll(() => here.sessions.length).toBe(3)
  const [sent] = here.sessions.slice(-1)
  if (sent?.stdout) await once(sent.stdout, 'readable')
  const id = here.commit('later')
  expect((await here.list()).get('refs/heads/later')).toBe(id)
  expect(here.sessions).toHaveLength(4)
})

test('a session that no request uses ends by itself, and gives its connection back', async () => {
  using here = stage({ waitMs: 200 })
  here.prepared.prepareNext(upstream)
  here.prepared.prepareNext(upstream)
  await expect.poll(() => here.sessions[0]?.exitCode).toBe(0)
  await expect.poll(() => here.released).toEqual([{ broken: false }])
})

test('an upstream that is asked once, or of an older protocol, gets no session without a request', async () => {
  using here = stage()
  await here.list()
  await expect.poll(() => here.released).toHaveLength(1)
  here.speak(0)
  await here.list()
  await here.list()
  await expect.poll(() => here.released).toHaveLength(3)
  expect(here.sessions).toHaveLength(3)
})

test('sixteen sessions wait at most, over all links', async () => {
  const all = new Set<unknown>(Array.from({ length: 16 }, (_, i) => i))
  using here = stage({ all })
  await here.list()
  await here.list()
  all.delete(0)
  await here.list()
  expect(all.size).toBe(16)
  await expect.poll(() => here.sessions.length).toBe(4)
  here.close()
  expect(all.size).toBe(15)
})
