import { execFileSync } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createGit, gitEnvironment } from '../../container/git/git.ts'
import { deltaChange } from '../../container/git/objects/delta-change.ts'

const home = mkdtempSync(join(tmpdir(), 'gate-delta-change-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

const identity = { NAME: 'Ada', EMAIL: 'ada@example.com', DATE: '2026-01-01T00:00:00Z' }
const env = {
  ...gitEnvironment(home, '/dev/null'),
  ...Object.fromEntries(
    ['AUTHOR', 'COMMITTER'].flatMap(role =>
      Object.entries(identity).map(([key, value]) => [`GIT_${role}_${key}`, value]),
    ),
  ),
}
const run = (dir: string, args: readonly string[], input: string | Buffer = '') =>
  execFileSync('git', args, { cwd: home, env: { ...env, GIT_DIR: dir }, input, maxBuffer: 64 << 20 })
const store = (dir: string, content: Buffer) =>
  run(dir, ['hash-object', '-w', '--stdin'], content).toString().trim()

function repository(name: string): string {
  const dir = join(home, name)
  execFileSync('git', ['init', '--quiet', '--bare', dir], { env })
  return dir
}

const line = () => `  const ${randomBytes(3).toString('hex')} = compute(${randomInt(1e9)})`
const lines = () => Array.from({ length: 12_000 }, line)
const joined = (rows: readonly string[]) => Buffer.from(rows.join('\n'))

/** Changes lines that are near to each other, as an editor does. One line at least is new. */
function edited(rows: readonly string[]): string[] {
  const changed = [...rows]
  const start = randomInt(changed.length + 1)
  for (let i = randomInt(1, 4); i > 0; i--) {
    const at = Math.min(changed.length, start + randomInt(100))
    const kind = randomInt(3)
    if (kind === 0) changed.splice(at, randomInt(1, 20))
    else if (kind === 1) changed.splice(at, 0, ...changed.slice(at, at + randomInt(1, 20)))
    else changed.splice(at, randomInt(2), line(), line())
  }
  changed.splice(start, 0, line())
  return changed
}

const agent = repository('agent.git')

function commit(blob: string, ...parents: readonly string[]): string {
  const tree = run(agent, ['mktree'], `100644 blob ${blob}\ta.ts\n`).toString().trim()
  const args = ['commit-tree', tree, '-m', 'Work', ...parents.flatMap(parent => ['-p', parent])]
  return run(agent, args).toString().trim()
}

/** Returns a repository with a pack as a push leaves it: the new blob is a delta, and the other is whole. */
function received(old: string, id: string, ...options: readonly string[]) {
  const dir = repository(`${randomBytes(6).toString('hex')}.git`)
  const parent = commit(old)
  const pack = (revs: string) =>
    run(agent, ['pack-objects', '-q', '--stdout', '--revs', ...options], `${revs}\n`)
  const isThin = options.includes('--thin')
  if (isThin) run(dir, ['unpack-objects', '-q'], pack(parent))
  const child = commit(id, parent)
  run(dir, ['index-pack', '--stdin', '--fix-thin'], pack(isThin ? `${child}\n^${parent}` : child))
  return createGit(dir, env)
}

test('the change of a blob is what its delta in a pack says, and both blobs are the same around it', async () => {
  let known = 0
  for (const options of [['--thin'], ['--thin'], ['--thin'], ['--thin'], ['--delta-base-offset']]) {
    const rows = lines()
    const [old, text] = [joined(rows), joined(edited(rows))]
    const [oldId, id] = [store(agent, old), store(agent, text)]
    const git = received(oldId, id, ...options)
    // git may store either as a delta of the other when it packs both.
    const change = await deltaChange(git, id, text.length, oldId)
    const other = await deltaChange(git, oldId, old.length, id)
    for (const [found, from, to] of [
      [change, old, text],
      [other, text, old],
    ] as const) {
      if (!found) continue
      known++
      const { before, after, newlinesBefore } = found
      const around = [from.subarray(0, before), from.subarray(from.length - after)] as const
      expect(Buffer.concat([around[0], found.old, around[1]]).equals(from)).toBe(true)
      expect(Buffer.concat([around[0], found.text, around[1]]).equals(to)).toBe(true)
      expect(newlinesBefore).toBe(around[0].toString('latin1').split('\n').length - 1)
      expect(found.text.length).toBeLessThan(text.length / 2)
    }
    if (options.includes('--thin')) expect(change).toBeDefined()
  }
  expect(known).toBe(5)
})

test('a blob that is whole, a delta of another blob, of another size or changed all over is compared', async () => {
  const rows = lines()
  const [old, text] = [joined(rows), joined(edited(rows))]
  const [oldId, id, otherId] = [store(agent, old), store(agent, text), store(agent, joined(lines()))]
  const git = received(oldId, id, '--thin')
  expect(await deltaChange(git, id, text.length, oldId)).toBeDefined()
  expect(await deltaChange(git, id, text.length + 1, oldId)).toBeUndefined()
  expect(await deltaChange(git, id, text.length, otherId)).toBeUndefined()
  expect(await deltaChange(git, oldId, old.length, id)).toBeUndefined()
  expect(await deltaChange(createGit(agent, env), id, text.length, oldId)).toBeUndefined()

  const everySecond = joined(rows.map((row, i) => (i % 2 === 0 ? line() : row)))
  const changedId = store(agent, everySecond)
  const all = received(oldId, changedId, '--thin')
  expect(await deltaChange(all, changedId, everySecond.length, oldId)).toBeUndefined()
})

test('lines that were moved are in the change', async () => {
  const rows = lines()
  const [old, moved] = [joined(rows), joined([...rows.slice(9_000), ...rows.slice(0, 9_000)])]
  const [oldId, id] = [store(agent, old), store(agent, moved)]
  const change = await deltaChange(received(oldId, id, '--thin'), id, moved.length, oldId)
  expect(change?.text.equals(moved)).toBe(true)
})
