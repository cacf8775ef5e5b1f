import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { createEarlySessions, type Pusher } from '../../container/forward/early-sessions.ts'
import { startForward } from '../../container/forward/forward.ts'
import { openReceivePack } from '../../container/forward/receive-pack.ts'
import { openUpstreamSession } from '../../container/forward/upstream-session.ts'
import type { Command } from '../../container/git/command-list.ts'
import { createGit } from '../../container/git/git.ts'
import { NULL_ID } from '../../container/git/objects/object-format.ts'
import { spawnGroup } from '../../container/process/spawn.ts'
import type { Link, LinkLease } from '../../container/upstream/link.ts'
import { listUpstream } from '../../container/upstream/list-refs.ts'
import { upstreamOf } from '../harness/hosts/upstream-of.ts'

const commands = [{ ref: 'refs/heads/main', old: NULL_ID.sha1, new: '1'.repeat(40) } as Command]
const upstream = upstreamOf({ url: 'ssh://host/app' })
const children: ReturnType<typeof spawn>[] = []
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-hung-'))

/** A program that starts at upstream, and says nothing. */
function silent() {
  const child = spawn('sleep', ['60'], { stdio: 'pipe', detached: true })
  children.push(child)
  return child
}

/** A link whose leases are counted. */
function linkOf(lease: Partial<LinkLease>) {
  const released: unknown[] = []
  const acquire = async () => ({
    git: { env: {} },
    release: (how?: object) => void released.push(how),
    ...lease,
  })
  return { released, link: { acquire, acquireSpare: acquire } as unknown as Link }
}

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

test('a push does not wait for a session in which upstream lists no refs', async () => {
  const { link } = linkOf({ startReceivePack: silent })
  const open = async () => openReceivePack(signal => link.acquire(signal), upstream, 60_000)
  const session = openUpstreamSession(open, commands, [], 1)
  expect(await session.acquire(AbortSignal.timeout(60_000))).toBeUndefined()
  expect(await session.isUsable()).toBe(false)
})

test('a forward ends with its deadline while its session is still being opened', async () => {
  const never = new Promise<never>(() => {})
  const untilAborted = (signal: AbortSignal) =>
    new Promise<undefined>(resolve => {
      signal.addEventListener('abort', () => resolve(undefined), { once: true })
    })
  const forward = startForward({
    git: createGit(folder, { PATH: process.env.PATH ?? '' }),
    linkTo: async () => linkOf({}).link,
    session: { acquire: untilAborted, isUsable: () => never, abort() {} },
    upstream,
    commands,
    pushOptions: [],
    sendLine() {},
    deadlineMs: 20,
  })
  const { outcome, reason } = await forward.send(() => {})
  expect({ outcome, reason }).toEqual({
    outcome: 'failed',
    reason: 'the upstream did not answer within 0.02 s',
  })
})

test('a gate that cannot start ssh goes on without an early session', async () => {
  const { link } = linkOf({
    startReceivePack: (_upstream, signal) =>
      spawnGroup('ssh', [], { signal, cwd: path.join(folder, 'absent'), stdio: 'pipe' }),
  })
  const sessions = createEarlySessions({ to: async () => link })
  const pusher = { agent: 'ada', repository: upstream } as Pusher
  sessions.open(pusher)
  const session = sessions.take(pusher)
  await session?.over
  expect(await session?.running()).toBeUndefined()
  session?.drop()
})

test('a connection whose upstream does not answer takes no more sessions', async () => {
  const startUploadPack: LinkLease['startUploadPack'] = (_, signal) => {
    const child = spawnGroup('sleep', ['60'], { signal, stdio: 'pipe' })
    return { child, isHelper: false }
  }
  const { link, released } = linkOf({ startUploadPack })
  await expect(listUpstream(link, upstream, 'sha1', AbortSignal.timeout(50))).rejects.toThrow()
  expect(released).toEqual([{ broken: true }])
})

test('a session that cannot be started gives its lease back', async () => {
  const { link, released } = linkOf({
    startUploadPack() {
      throw new Error('ssh could not be started')
    },
  })
  const listed = listUpstream(link, upstream, 'sha1', AbortSignal.timeout(5_000))
  await expect(listed).rejects.toThrow('ssh could not be started')
  expect(released).toHaveLength(1)
})
