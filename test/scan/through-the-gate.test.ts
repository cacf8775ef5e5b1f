import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PushPage, PushRecord } from '../../src/contract/api.ts'
import { accepted, type Gate, git, rejected, seconds, startGate, until } from '../harness/index.ts'
import { type Case, caught, clean, residue, type Work } from './corpus.ts'
import { gitConfig } from './repositories.ts'

const exec = promisify(execFile)
const everything = { push: ['**'], force: ['**'], delete: ['**'], tags: ['**'] }

let home: string
let gate: Gate
let url: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'git-gate-corpus-'))
  await writeFile(join(home, 'gitconfig'), gitConfig)
  gate = await startGate()
  await gate.upstream.commit('main', 'Begin', { 'README.md': '# App\n' })
  url = (await gate.agent('ada', everything)).url()
  await inFolder(home, 'clone', '--quiet', url, 'template')
})
afterAll(async () => {
  await gate[Symbol.asyncDispose]()
  await rm(home, { recursive: true, force: true })
})

const inFolder = async (dir: string, ...args: readonly string[]) => {
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: join(home, 'gitconfig'),
  }
  return (await exec('git', [...args], { cwd: dir, env, maxBuffer: 256 << 20 })).stdout.trimEnd()
}

/** The refspec as the case wrote it, in a room of the case's own: `HEAD:refs/heads/main` pushes to `refs/heads/17/main`. */
function inRoom(room: string, refspec: string): string {
  const [, force = '', source = '', target = source] = /^(\+?)([^:]*)(?::(.*))?$/.exec(refspec) ?? []
  const full = target.startsWith('refs/') ? target : `refs/heads/${target}`
  return `${force}${source}:${full.replace(/^refs\/\w+\//, kind => `${kind}${room}/`)}`
}

let rooms = 0

/** Makes a case in a clone of its own, and pushes it with git through the gate. */
async function pushed(each: Case) {
  const room = `case-${++rooms}`
  const dir = join(home, room, 'work')
  await cp(join(home, 'template'), dir, { recursive: true })
  const work: Work = {
    dir,
    git: (...args) => inFolder(dir, ...args),
    async write(path, content) {
      await mkdir(dirname(join(dir, path)), { recursive: true })
      await writeFile(join(dir, path), content)
    },
    async commit(message = 'Work') {
      await work.git('add', '--all')
      await work.git('commit', '--quiet', '--allow-empty', '--message', message)
      return work.git('rev-parse', 'HEAD')
    },
    async publish(...refspecs) {
      await work.git('push', '--quiet', '--force', gate.upstream.dir, ...refspecs.map(r => inRoom(room, r)))
    },
  }
  const made = await each.make(work)
  const refspecs = made.refspecs.map(refspec => inRoom(room, refspec))
  const before = Object.entries(await gate.upstream.refs()).filter(([ref]) => ref.includes(`/${room}/`))
  const ran = await git(['push', '--progress', 'origin', ...refspecs], { cwd: dir, within: seconds(100) })
  const after = Object.entries(await gate.upstream.refs()).filter(([ref]) => ref.includes(`/${room}/`))
  await rm(join(home, room), { recursive: true, force: true })
  return { secrets: made.secrets, room, ran, before, after }
}

/** What the ledger has of a case's push, once it has ended. */
async function recordOf(room: string): Promise<PushRecord> {
  const id = await until(
    async () => {
      const { pushes } = PushPage.parse(await gate.admin.ask('GET', '/pushes?limit=20'))
      return pushes.find(push => push.outcome !== 'open' && push.refs.some(r => r.ref.includes(`/${room}/`)))
        ?.id
    },
    seconds(10),
    () => `the push of ${room} is not on record`,
  )
  return PushRecord.parse(await gate.admin.ask('GET', `/pushes/${id}`))
}

test.concurrent.each(caught)('caught: $name', async each => {
  const { ran, room, secrets, before, after } = await pushed(each)
  expect(ran).toMatchObject(rejected)
  expect(ran.output).toContain('secret found')
  expect(after).toEqual(before)
  const record = await recordOf(room)
  expect(record.outcome).toBe('refused')
  expect(record.findings).not.toEqual([])
  // Git's own report names each ref as it was pushed; nothing else repeats a secret.
  const report = ran.output.replace(/^( ! \[remote rejected\]) .* -> \S+ \(/gm, '$1 (')
  for (const secret of secrets.flatMap(each => [each, JSON.stringify(each).slice(1, -1)])) {
    expect(report).not.toContain(secret)
    expect(JSON.stringify(record)).not.toContain(secret)
    expect(gate.log.join('\n')).not.toContain(secret)
  }
})

test.concurrent.each(clean)('clean: $name', async each => {
  expect((await pushed(each)).ran).toMatchObject(accepted)
})

test.concurrent.each(residue)('known not to be seen: $name', async each => {
  expect((await pushed(each)).ran).toMatchObject(accepted)
})

test('after all of it the gate is as it was, and it is as much as it claims', async () => {
  expect(caught.length).toBeGreaterThanOrEqual(80)
  expect(clean.length).toBeGreaterThanOrEqual(40)
  await gate.idle({ within: seconds(10) })
  const ada = await gate.agent('ada', everything)
  expect(await ada.push('refs/heads/after', 'all is well\n')).toMatchObject(accepted)
  expect(await gate.ledger.until(push => push.outcome === 'accepted')).toMatchObject({ findings: [] })
})
