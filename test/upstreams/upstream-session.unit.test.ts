import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { startForward } from '../../container/forward/forward.ts'
import { receivedPack } from '../../container/forward/received-pack.ts'
import { lacksObjects, sendPush } from '../../container/forward/send-push.ts'
import { openUpstreamSession } from '../../container/forward/upstream-session.ts'
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
  const link = {
    acquire: async () => ({
      git: { env: {} },
      startReceivePack() {
        const child = spawn('git', ['receive-pack', upstream], { detached: true, stdio: 'pipe' })
        children.push(child)
        return child
      },
      release: (how?: object) => void released.push(how),
    }),
  } as unknown as Link
  const command = (ref: string, old: string, id: string) => ({ ref, old, new: id }) as Command
  return {
    ...{ upstream, folder, work, link, base, one, two, released, children, command },
    at: (ref: string) => text(upstream, 'for-each-ref', '--format=%(objectname)', ref),
    hook(name: string, script: string) {
      fs.writeFileSync(path.join(upstream, 'hooks', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    },
    upstreamGit: (...args: string[]) => text(upstream, ...args),
    pack: (...revisions: string[]) =>
      git(work, ['pack-objects', '--revs', '--stdout', '-q'], `${revisions.join('\n')}\n`),
    open: (commands: readonly Command[], options: readonly string[] = [], heldMs?: number) =>
      openUpstreamSession(async () => link, {} as Upstream, commands, options, heldMs),
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
  const quarantine = path.join(at.folder, 'quarantine')
  const objects = path.join(at.work, '.git', 'objects')
  const env = { GIT_OBJECT_DIRECTORY: quarantine, GIT_ALTERNATE_OBJECT_DIRECTORIES: objects }
  fs.mkdirSync(path.join(quarantine, 'pack'), { recursive: true })
  const input = at.pack(at.two, `^${at.one}`)
  execFileSync('git', ['index-pack', '--stdin', '--fix-thin'], {
    cwd: at.work,
    env: { ...process.env, ...env },
    input,
    stdio: 'pipe',
  })
  const groups: number[] = []
  const forward = startForward({
    git: createGit(path.join(at.work, '.git'), { PATH: process.env.PATH ?? '', ...env }),
    linkTo: async () => at.link,
    upstream: { name: 'app', url: at.upstream } as Upstream,
    session: at.open(commands),
    ...{ commands, pushOptions: [], sendProgress() {}, deadlineMs: 30_000 },
  })
  const { outcome } = await forward.send(pid => groups.push(pid))
  forward.abort()
  expect(outcome).toBe('accepted')
  expect(at.at('refs/heads/main')).toBe(at.two)
  expect(groups).toHaveLength(2)
  expect(at.released).toHaveLength(2)
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
  expect(await session.isUsable()).toBe(false)
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
