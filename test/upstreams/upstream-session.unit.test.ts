import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { createEarlySessions, type Pusher } from '../../container/forward/early-sessions.ts'
import { startForward } from '../../container/forward/forward.ts'
import { openReceivePack } from '../../container/forward/receive-pack.ts'
import { receivedPack } from '../../container/forward/received-pack.ts'
import { lacksObjects, sendPush } from '../../container/forward/send-push.ts'
import {
  HELD_MS,
  openUpstreamSession,
  type UpstreamSession,
} from '../../container/forward/upstream-session.ts'
import type { Command } from '../../container/git/command-list.ts'
import { createGit } from '../../container/git/git.ts'
import { NULL_ID } from '../../container/git/objects/object-format.ts'
import type { Link } from '../../container/upstream/link.ts'
import type { Upstream } from '../../src/contract/companion-api/pass.ts'

const soon = () => AbortSignal.timeout(30_000)

/** A bare upstream with a branch main, a clone with two more commits, and a link that starts git-receive-pack. */
function stage() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-session-'))
  const [upstream, work] = [path.join(folder, 'upstream.git'), path.join(folder, 'work')]
  const git = (cwd: string, args: readonly string[], input = '') => {
    const who = { GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@example.com' }
    const env = { ...process.env, ...who, GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a@example.com' }
    return execFileSync('git', args, { cwd, env, input })
  }
  const text = (cwd: string, ...args: string[]) => git(cwd, args).toString('utf8').trim()
  text(folder, 'init', '-q', '--bare', '-b', 'main', upstream)
  text(folder, 'init', '-q', '-b', 'main', work)
  const commit = (words: string) => {
    text(work, 'commit', '-q', '--allow-empty', '-m', words)
    return text(work, 'rev-parse', 'HEAD')
  }
  const base = commit('Base')
  text(work, 'push', '-q', upstream, 'main')
  const [one, two] = [commit('One'), commit('Two')]
  const released: unknown[] = []
  const children: ReturnType<typeof spawn>[] = []
  const acquire = async () => ({
    git: { env: {} },
    startReceivePack() {
      const child = spawn('git', ['receive-pack', upstream], { detached: true, stdio: 'pipe' })
      children.push(child)
      return child
    },
    release: (how?: object) => void released.push(how),
  })
  const link = { acquire, acquireSpare: acquire } as unknown as Link
  const command = (ref: string, old: string, id: string) => ({ ref, old, new: id }) as Command
  return {
    upstream,
    folder,
    work,
    link,
    base,
    one,
    two,
    released,
    children,
    command,
    at: (ref: string) => text(upstream, 'for-each-ref', '--format=%(objectname)', ref),
    hook(name: string, script: string) {
      fs.writeFileSync(path.join(upstream, 'hooks', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    },
    upstreamGit: (...args: string[]) => text(upstream, ...args),
    pack: (...revisions: string[]) =>
      git(work, ['pack-objects', '--revs', '--stdout', '-q'], `${revisions.join('\n')}\n`),
    open: (commands: readonly Command[], options: readonly string[] = [], heldMs?: number) =>
      openUpstreamSession(
        async () => openReceivePack(signal => link.acquire(signal), {} as Upstream, HELD_MS),
        commands,
        options,
        heldMs,
      ),
    early: (waitMs?: number) => createEarlySessions({ to: async () => link }, waitMs),
    /** Receives a pack in quarantine, as git does, and returns a forward of it over the session. */
    forward(commands: readonly Command[], pack: Buffer, session: UpstreamSession) {
      const quarantine = path.join(folder, 'quarantine')
      const objects = path.join(work, '.git', 'objects')
      const env = { GIT_OBJECT_DIRECTORY: quarantine, GIT_ALTERNATE_OBJECT_DIRECTORIES: objects }
      fs.mkdirSync(path.join(quarantine, 'pack'), { recursive: true })
      execFileSync('git', ['index-pack', '--stdin', '--fix-thin'], {
        cwd: work,
        env: { ...process.env, ...env },
        input: pack,
        stdio: 'pipe',
      })
      return startForward({
        git: createGit(path.join(work, '.git'), { PATH: process.env.PATH ?? '', ...env }),
        linkTo: async () => link,
        upstream: { name: 'app', url: upstream } as Upstream,
        session,
        commands,
        pushOptions: [],
        sendLine() {},
        deadlineMs: 30_000,
      })
    },
    async send(commands: readonly Command[], pack: Buffer, options: readonly string[] = []) {
      const session = await this.open(commands, options).acquire(soon())
      if (!session) throw new Error('there is no session')
      const told: string[] = []
      const sent = sendPush(
        session,
        commands,
        options,
        () => Readable.from([pack]),
        line => told.push(line),
        soon(),
      )
      const result = await sent.ended
      return { ...result, stdout: result.stdout.toString('utf8'), told }
    },
    [Symbol.dispose]: () => fs.rmSync(folder, { recursive: true, force: true }),
  }
}

test('a push goes over the open session: refs, push options and what upstream says', async () => {
  using at = stage()
  at.upstreamGit('config', 'receive.advertisePushOptions', 'true')
  at.hook('pre-receive', 'echo "Thanks for $GIT_PUSH_OPTION_0"; printf "no newline" >&2')
  const commands = [
    at.command('refs/heads/main', at.base, at.one),
    at.command('refs/heads/other', NULL_ID.sha1, at.two),
  ]
  const sent = await at.send(commands, at.pack(at.two, `^${at.base}`), ['ci.skip'])
  expect(sent).toMatchObject({ code: 0, told: ['Thanks for ci.skip', 'no newline'] })
  expect([at.at('refs/heads/main'), at.at('refs/heads/other')]).toEqual([at.one, at.two])
  expect(at.released).toEqual([{ broken: false }])
  const deleted = await at.send([at.command('refs/heads/other', at.two, NULL_ID.sha1)], Buffer.alloc(0))
  expect(deleted.code).toBe(0)
  expect(at.at('refs/heads/other')).toBe('')
})

test('a ref that upstream has at another value than the agent saw is left to git push', async () => {
  using at = stage()
  const moved = [at.command('refs/heads/main', at.one, at.two)]
  const created = [at.command('refs/heads/main', NULL_ID.sha1, at.two)]
  const missing = [at.command('refs/heads/none', at.one, at.two)]
  for (const commands of [moved, created, missing])
    expect(await at.open(commands).acquire(soon())).toBeUndefined()
  at.upstreamGit('config', 'receive.advertiseAtomic', 'false')
  const two = ['a', 'b'].map(name => at.command(`refs/heads/${name}`, NULL_ID.sha1, at.one))
  expect(await at.open(two).acquire(soon())).toBeUndefined()
})

test('an upstream that may not read the pack of a client gets a pack of git push', async () => {
  using at = stage()
  const commands = [at.command('refs/heads/main', at.base, at.one)]
  at.upstreamGit('config', 'repack.useDeltaBaseOffset', 'false')
  expect(await at.open(commands).acquire(soon())).toBeUndefined()
})

test('upstream replaces only the value that the agent saw, also when it moves after it has listed its refs', async () => {
  using at = stage()
  const commands = [
    at.command('refs/heads/main', at.base, at.one),
    at.command('refs/heads/new', NULL_ID.sha1, at.one),
  ]
  at.hook('pre-receive', `unset GIT_QUARANTINE_PATH; git update-ref refs/heads/new ${at.base}`)
  const sent = await at.send(commands, at.pack(at.one, `^${at.base}`))
  expect(sent.code).toBe(1)
  expect(sent.stdout).toMatch(/^!\t\S+:refs\/heads\/main\t\[remote rejected\] \(.+\)$/m)
  expect([at.at('refs/heads/main'), at.at('refs/heads/new')]).toEqual([at.base, at.base])
})

test('a pack that builds on what upstream lacks is told apart from other refusals', async () => {
  using at = stage()
  const commands = [at.command('refs/heads/main', at.base, at.two)]
  const sent = await at.send(commands, at.pack(at.two, `^${at.one}`))
  expect(lacksObjects({ ...sent, signal: null, stdout: Buffer.from(sent.stdout) })).toBe(true)
  at.hook('pre-receive', 'echo Freeze >&2; exit 1')
  const refused = await at.send(
    [at.command('refs/heads/main', at.base, at.one)],
    at.pack(at.one, `^${at.base}`),
  )
  expect(refused).toMatchObject({ code: 1, told: ['Freeze'] })
  expect(refused.stdout).toContain('\t[remote rejected] (pre-receive hook declined)')
  expect(lacksObjects({ ...refused, signal: null, stdout: Buffer.from(refused.stdout) })).toBe(false)
})

test('git push sends what upstream turns out to lack', async () => {
  using at = stage()
  const commands = [at.command('refs/heads/main', at.base, at.two)]
  const groups: number[] = []
  const forward = at.forward(commands, at.pack(at.two, `^${at.one}`), at.open(commands))
  const { outcome } = await forward.send(pid => groups.push(pid))
  forward.abort()
  expect(outcome).toBe('accepted')
  expect(at.at('refs/heads/main')).toBe(at.two)
  expect(groups).toHaveLength(2)
  expect(at.released).toHaveLength(2)
})

test('a ref that moves after upstream has listed it is refused in the words for a ref that has moved', async () => {
  using at = stage()
  const commands = [
    at.command('refs/heads/main', at.base, at.one),
    at.command('refs/heads/new', NULL_ID.sha1, at.one),
  ]
  const session = at.open(commands)
  expect(await session.isUsable()).toBe(true)
  at.upstreamGit('fetch', '-q', at.work, at.two)
  at.upstreamGit('update-ref', 'refs/heads/main', at.two)
  const forward = at.forward(commands, at.pack(at.one, `^${at.base}`), session)
  const { outcome, refs, remedy } = await forward.send(() => {})
  forward.abort()
  expect(outcome).toBe('refused')
  expect(refs).toMatchObject([
    { ref: 'refs/heads/main', reason: expect.stringContaining('upstream has moved since you fetched') },
    { ref: 'refs/heads/new', reason: expect.stringMatching(/^not pushed: another ref/) },
  ])
  expect(remedy.join('\n')).toContain('git rebase')
  expect(at.children).toHaveLength(1)
})

/** A pusher to the test's upstream. */
const pusher = (agent: string, url = 'url') => ({ agent, repository: { url } }) as unknown as Pusher

test('a session that is opened with the advertisement takes the push of its agent to this upstream, and of no other', async () => {
  using at = stage()
  const sessions = at.early()
  sessions.open(pusher('ada'))
  expect(sessions.take(pusher('bob'))).toBeUndefined()
  expect(sessions.take(pusher('ada', 'another'))).toBeUndefined()
  const early = sessions.take(pusher('ada'))
  expect(sessions.take(pusher('ada'))).toBeUndefined()
  if (!early) throw new Error('there is no session')
  expect(await early.running()).toBeDefined()
  const commands = [at.command('refs/heads/main', at.base, at.one)]
  const session = openUpstreamSession(async () => early, commands, [])
  const forward = at.forward(commands, at.pack(at.one, `^${at.base}`), session)
  expect((await forward.send(() => {})).outcome).toBe('accepted')
  forward.abort()
  expect(at.at('refs/heads/main')).toBe(at.one)
  expect(at.children).toHaveLength(1)
})

test('a session whose push does not come ends, as does a session of an earlier advertisement, or of a gate that stops', async () => {
  using at = stage()
  const late = at.early(1)
  late.open(pusher('ada'))
  await expect.poll(() => late.take(pusher('ada'))).toBeUndefined()
  const sessions = at.early()
  for (let i = 0; i < 3; i++) sessions.open(pusher('ada'))
  const newest = sessions.take(pusher('ada'))
  expect(await newest?.running()).toBeDefined()
  newest?.drop()
  sessions.open(pusher('bob'))
  sessions.close()
  sessions.open(pusher('ada'))
  expect(sessions.take(pusher('ada'))).toBeUndefined()
  await expect
    .poll(
      () => at.children.every(({ exitCode }) => exitCode === 0) && at.released.length >= at.children.length,
    )
    .toBe(true)
})

test('a session that upstream has ended is not taken, and so are more sessions than a gate keeps', async () => {
  using at = stage()
  const sessions = at.early()
  sessions.open(pusher('ada'))
  const early = sessions.take(pusher('ada'))
  expect(await early?.running()).toBeDefined()
  at.children[0]?.kill()
  await early?.over
  expect(await early?.running()).toBeUndefined()
  early?.drop()
  const agents = Array.from({ length: 20 }, (_, i) => pusher(`agent-${i}`))
  for (const agent of agents) sessions.open(agent)
  expect(agents.flatMap(agent => sessions.take(agent) ?? [])).toHaveLength(16)
})

test('an answer without a report is an end without an answer', async () => {
  using at = stage()
  at.hook('pre-receive', 'kill -9 $PPID; sleep 1')
  const sent = await at.send([at.command('refs/heads/main', at.base, at.one)], at.pack(at.one, `^${at.base}`))
  expect(sent).toMatchObject({ code: 128, stdout: '' })
  expect(sent.stderr).toContain('the remote end hung up')
  expect(at.released).toEqual([{ broken: true }])
})

test('a session that no push takes ends by itself, and is not taken afterwards', async () => {
  using at = stage()
  const session = at.open([at.command('refs/heads/main', at.base, at.one)])
  expect(await session.isUsable()).toBe(true)
  const [child] = at.children
  session.abort()
  const [code] = child && child.exitCode === null ? await once(child, 'close') : [child?.exitCode]
  expect(code).toBe(0)
  expect(await session.acquire(soon())).toBeUndefined()
  expect(at.released).toEqual([{ broken: false }])
})

test('a session that is held for too long ends without a push', async () => {
  using at = stage()
  const session = at.open([at.command('refs/heads/main', at.base, at.one)], [], 1)
  await expect.poll(() => session.isUsable()).toBe(false)
  expect(await session.acquire(soon())).toBeUndefined()
})

test('the pack of a push is the one in its quarantine, or none, or left to git', async () => {
  using at = stage()
  const quarantine = path.join(at.folder, 'quarantine')
  fs.mkdirSync(quarantine)
  const git = createGit(at.upstream, { GIT_OBJECT_DIRECTORY: quarantine })
  const update = [at.command('refs/heads/main', at.base, at.one)]
  const bytes = async () => {
    const open = await receivedPack(git, update)
    return open && Buffer.concat(await open().toArray())
  }
  expect((await bytes())?.subarray(0, 12).toString('latin1')).toBe('PACK\0\0\0\x02\0\0\0\0')
  fs.mkdirSync(path.join(quarantine, 'pack'))
  fs.writeFileSync(path.join(quarantine, 'pack', 'pack-1.pack'), 'one')
  expect(String(await bytes())).toBe('one')
  fs.writeFileSync(path.join(quarantine, 'pack', 'pack-2.pack'), 'two')
  expect(await bytes()).toBeUndefined()
  fs.rmSync(path.join(quarantine, 'pack', 'pack-2.pack'))
  fs.mkdirSync(path.join(quarantine, 'ab'))
  expect(await bytes()).toBeUndefined()
  const open = await receivedPack(git, [at.command('refs/heads/main', at.base, NULL_ID.sha1)])
  expect(await open?.().toArray()).toEqual([])
})
