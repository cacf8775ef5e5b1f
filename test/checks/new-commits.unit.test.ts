import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import type { IncomingPush } from '../../container/checks/index.ts'
import { newCommits, newCommitsNear } from '../../container/checks/objects/new-commits.ts'
import { createGit } from '../../container/git/git.ts'
import { NULL_ID } from '../../container/git/objects/object-format.ts'
import { ownObjects } from '../../container/git/objects/object-lookup.ts'
import { readMirrorRefs } from '../../container/git/ref-list.ts'

const signal = AbortSignal.timeout(120_000)

/** Returns numbers from 0 to below `end`; equal seeds give equal numbers. */
function numbers(seed: number): (end: number) => number {
  let state = seed
  return end => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * end)
  }
}

function gitIn(dir: string) {
  return (args: readonly string[], input: string | Buffer = '', env = {}) =>
    execFileSync('git', args, { cwd: dir, input, env: { ...process.env, ...env } })
}

/** A random history in a repository. Returns its commits. */
function history(dir: string, random: (end: number) => number, count: number): string[] {
  const git = gitIn(dir)
  const commands = Array.from({ length: count }, (_, i) => {
    const [first, second] = [random(i), random(i)]
    const from = i === 0 ? '' : `from :${first + 1}\n`
    const merge = i > 1 && second !== first && random(3) === 0 ? `merge :${second + 1}\n` : ''
    return `commit refs/heads/c${i}\nmark :${i + 1}\ncommitter A <a@example.com> ${1_700_000_000 + i} +0000\ndata 2\n${i % 10}\n${from}${merge}`
  })
  git(['fast-import', '--quiet', '--force'], commands.join('\n'))
  const refs = Array.from({ length: count }, (_, i) => `refs/heads/c${i}`)
  return git(['rev-parse', ...refs])
    .toString()
    .trim()
    .split('\n')
}

test('new commits by the nearest refs are those that no branch or tag of the mirror reaches', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-new-commits-'))
  let compared = 0
  try {
    for (let seed = 1; seed <= 10; seed++) {
      const random = numbers(seed)
      const [source, mirror] = ['source', 'mirror'].map(name => path.join(folder, `${name}-${seed}.git`))
      for (const dir of [source, mirror]) gitIn(folder)(['init', '-q', '--bare', '-b', 'main', dir ?? ''])
      const commits = history(source ?? '', random, 14)
      const git = gitIn(mirror ?? '')
      const names = ['heads/main', 'heads/a', 'heads/b', 'tags/t', 'pull/1/head']
      const there = names.map(name => `+refs/heads/c${random(9)}:refs/${name}`)
      git(['fetch', '-q', source ?? '', ...there])
      // The mirror keeps the objects of a deleted ref.
      if (random(2)) git(['update-ref', '-d', 'refs/heads/b'])
      const quarantine = path.join(mirror ?? '', 'objects', 'incoming')
      fs.mkdirSync(path.join(quarantine, 'pack'), { recursive: true })
      const tips = [commits[8 + random(6)], commits[random(14)]]
      const pack = gitIn(source ?? '')(['pack-objects', '--revs', '--stdout', '-q'], tips.join('\n'))
      const env = {
        GIT_OBJECT_DIRECTORY: quarantine,
        GIT_ALTERNATE_OBJECT_DIRECTORIES: path.join(mirror ?? '', 'objects'),
      }
      const known = git(['for-each-ref', '--format=%(objectname)']).toString().trim().split('\n')
      const thin = gitIn(source ?? '')(
        ['pack-objects', '--revs', '--stdout', '-q'],
        [...tips, ...known.map(id => `^${id}`)].join('\n'),
      )
      git(['index-pack', '--stdin', '--fix-thin'], random(4) ? thin : pack, env)
      const commands = tips.map((id, i) => ({
        ref: i ? 'refs/heads/a' : 'refs/heads/new',
        old: NULL_ID.sha1,
        new: id,
      }))
      const push = { commands, git: createGit(mirror ?? '', { PATH: process.env.PATH ?? '', ...env }) }
      const listed = await newCommits(push as unknown as IncomingPush, signal)
      const near = await newCommitsNear(
        push as unknown as IncomingPush,
        await readMirrorRefs(push.git, signal),
        signal,
      )
      const byGit = git(['rev-list', ...tips.map(String), '--not', '--branches', '--tags'], '', env)
      const expected = byGit.toString().split('\n').filter(Boolean).sort()
      expect([...listed.keys()].sort()).toEqual(expected)
      if (near) expect([...near.keys()].sort()).toEqual(expected)
      compared += near?.size ?? 0
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
  expect(compared).toBeGreaterThan(3)
})

test('the own objects of a repository are found in packs and loose, and in no quarantine', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-own-objects-'))
  try {
    const git = gitIn(folder)
    git(['init', '-q', '--bare', folder])
    const packed = history(folder, numbers(7), 60)
    git(['repack', '-adq'])
    const loose = git(['hash-object', '-w', '--stdin'], 'loose').toString().trim()
    const quarantine = path.join(folder, 'objects', 'incoming')
    fs.mkdirSync(quarantine)
    const held = git(['hash-object', '-w', '--stdin'], 'held', { GIT_OBJECT_DIRECTORY: quarantine })
    const absent = [held.toString().trim(), '0'.repeat(40), 'f'.repeat(40)]
    expect(ownObjects(folder, [...packed, loose, ...absent])).toEqual(new Set([...packed, loose]))
    expect(ownObjects(folder, ['a'.repeat(64)])).toBeUndefined()
    fs.writeFileSync(path.join(folder, 'objects', 'pack', 'pack-x.idx'), 'another version')
    expect(ownObjects(folder, absent)).toBeUndefined()
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
})
