import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pktLine } from '../../container/git/pkt-line.ts'
import { ZERO } from '../grants/wire.ts'
import type { Clone } from '../harness/clone.ts'
import { accepted, type Gate, rejected, sharedGate } from '../harness/index.ts'

const WORKFLOW = '.github/workflows/ci.yml'
const push = ['{agent}/**']

let gate: Gate
beforeAll(async () => {
  gate = await sharedGate()
  await gate.upstream.commit('main', 'Begin', { [WORKFLOW]: 'jobs: 1\n', 'README.md': '# App\n' })
})
afterAll(() => gate[Symbol.asyncDispose]())

/** Pushes HEAD and expects a refusal with this reason. */
async function refused(work: Clone, ref: string, reason: string): Promise<void> {
  const ran = await work.push(`HEAD:${ref}`)
  expect(ran).toMatchObject(rejected)
  expect(ran.output).toContain(`(git-gate: ${reason}`)
  expect(await gate.upstream.ref(`refs/heads/${ref}`)).toBeUndefined()
}

test('a denied path may not be added, changed, deleted, renamed, or changed in an earlier commit', async () => {
  const agent = await gate.agent('paths', { push, denyPaths: ['.github/workflows/**', '**/*.pem'] })
  const work = await agent.clone()
  const reset = () => work.text(['reset', '-q', '--hard', 'origin/main'])
  await work.commit('Add', { 'keys/a.pem': 'x\n' })
  await refused(work, 'paths/add', 'keys/a.pem may not be changed')
  await reset()
  await work.commit('Change', { [WORKFLOW]: 'jobs: 2\n' })
  await refused(work, 'paths/change', `${WORKFLOW} may not be changed`)
  // The tip restores the file. The commit before it changes it.
  await work.commit('Back', { [WORKFLOW]: 'jobs: 1\n' })
  await refused(work, 'paths/back', `${WORKFLOW} may not be changed`)
  await reset()
  await work.text(['rm', '-q', WORKFLOW])
  await work.commit('Delete')
  await refused(work, 'paths/delete', `${WORKFLOW} may not be changed`)
  await reset()
  await work.text(['mv', WORKFLOW, 'ci.yml'])
  await work.commit('Move')
  await refused(work, 'paths/move', `${WORKFLOW} may not be changed`)
  await reset()
  await work.text(['update-index', '--chmod=+x', WORKFLOW])
  await work.text(['commit', '-q', '-m', 'Mode'])
  await refused(work, 'paths/mode', `${WORKFLOW} may not be changed`)
  await reset()
  await work.commit('Beside', { 'src/a.ts': 'a\n', '.github/CODEOWNERS': '* @ada\n' })
  expect(await work.push('HEAD:paths/beside')).toMatchObject(accepted)
})

test('a merge may bring upstream’s change at a denied path, and may not drop it', async () => {
  const agent = await gate.agent('merges', { push, denyPaths: ['.github/workflows/**'] })
  const work = await agent.clone()
  const fork = await work.commit('Own work', { 'own.ts': 'own\n' })
  await gate.upstream.commit('main', 'A better workflow', { [WORKFLOW]: 'jobs: 2\n', 'more.ts': 'more\n' })
  await work.text(['fetch', '-q', 'origin'])

  await work.text(['merge', '-q', '-m', 'Merge', 'origin/main'])
  const validMerge = await work.text(['rev-parse', 'HEAD'])
  expect(await work.push('HEAD:merges/takes')).toMatchObject(accepted)

  const merged = (tree: string, ...parents: string[]) =>
    work.text(['commit-tree', tree, ...parents.flatMap(id => ['-p', id]), '-m', 'Merge'])
  const tree = (id: string) => work.text(['rev-parse', `${id}^{tree}`])
  const upstream = await work.text(['rev-parse', 'origin/main'])
  // Each merge takes the old version from one parent, so git reports no change by the merge.
  for (const [name, parents] of [
    ['ours', [fork, upstream]],
    ['theirs', [upstream, fork]],
  ] as const) {
    const badMerge = await merged(await tree(fork), ...parents)
    await work.text(['reset', '-q', '--hard', badMerge])
    await refused(work, `merges/${name}`, `${WORKFLOW} may not be changed`)
    // A valid merge on top does not hide the one below.
    await work.text(['reset', '-q', '--hard', await merged(await tree(upstream), badMerge, validMerge)])
    await refused(work, `merges/${name}-under`, `${WORKFLOW} may not be changed`)
  }
  // An unrelated root lacks the workflow, so taking its tree deletes upstream's.
  const root = await merged(await work.text(['mktree', '--missing']))
  await work.text(['reset', '-q', '--hard', await merged(await tree(root), upstream, root)])
  await refused(work, 'merges/unrelated', `${WORKFLOW} may not be changed`)
  await work.text(['reset', '-q', '--hard', await merged(await tree(upstream), upstream, root)])
  expect(await work.push('HEAD:merges/unrelated-kept')).toMatchObject(accepted)
})

test('symbolic links and submodules are refused or accepted as the grant says', async () => {
  const strict = await gate.agent('strict', { push, symlinks: false, submodules: false })
  const free = await gate.agent('free', { push })
  const work = await strict.clone()
  const pushAsFree = (ref: string) => work.git(['push', '-q', free.url(), `HEAD:${ref}`])
  fs.symlinkSync('/etc/passwd', path.join(work.dir, 'link'))
  await work.commit('Link')
  await refused(work, 'strict/link', 'link is a symbolic link')
  expect(await pushAsFree('free/link')).toMatchObject(accepted)

  await work.text(['reset', '-q', '--hard', 'origin/main'])
  const head = await work.text(['rev-parse', 'HEAD'])
  await work.text(['update-index', '--add', '--cacheinfo', `160000,${head},lib`])
  await work.text(['commit', '-q', '-m', 'Submodule'])
  await refused(work, 'strict/module', 'lib is a submodule')
  expect(await pushAsFree('free/module')).toMatchObject(accepted)

  await work.text(['reset', '-q', '--hard', 'origin/main'])
  await work.commit('Set up', {
    '.gitmodules': '[submodule "a"]\n\tpath = a\n\turl = https://example.com/a\n',
  })
  await refused(work, 'strict/modules', '.gitmodules sets up submodules')
})

test("a file above the grant's size limit is refused, even if a later commit shrinks it", async () => {
  const agent = await gate.agent('small', { push, maxBlobBytes: 1000 })
  const work = await agent.clone()
  await work.commit('Large', { 'large.bin': 'x\n'.repeat(501) })
  await refused(work, 'small/large', 'large.bin is 1002 bytes')
  await work.commit('Gone', { 'large.bin': 'x\n' })
  await refused(work, 'small/gone', 'large.bin is 1002 bytes')
  await work.text(['reset', '-q', '--hard', 'origin/main'])
  await work.commit('Just fits', { 'fits.bin': 'x\n'.repeat(500) })
  expect(await work.push('HEAD:small/fits')).toMatchObject(accepted)
})

test('a pack with unreachable objects is refused, and the mirror keeps none of them', async () => {
  const agent = await gate.agent('strays', { push })
  const work = await agent.clone()
  const head = await work.commit('Work', { 'a.txt': 'a\n' })
  const newObjects = await work.text([
    'rev-list',
    '--objects',
    '--no-object-names',
    'HEAD',
    '--not',
    'origin/main',
  ])
  work.write({ 'stray.txt': 'nobody points here\n' })
  const stray = await work.text(['hash-object', '-w', 'stray.txt'])
  const posted = async (ref: string, ids: readonly string[]) => {
    const packed = await work.git(['pack-objects', '--stdout', '-q'], {
      input: `${ids.join('\n')}\n`,
      stdoutAs: 'latin1',
    })
    const list = pktLine(`${ZERO} ${head} refs/heads/${ref}\0report-status side-band-64k agent=git/raw`)
    const { origin, pathname, username, password } = new URL(agent.url())
    const answer = await fetch(`${origin}${pathname}/git-receive-pack`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
        'content-type': 'application/x-git-receive-pack-request',
      },
      body: Buffer.concat([list, Buffer.from('0000'), Buffer.from(packed.stdout, 'latin1')]),
    })
    return answer.text()
  }
  const refusal = await posted('strays/more', [...newObjects.split('\n'), stray])
  expect(refusal).toContain('the pack holds objects that none of its refs reach')
  expect(refusal).toContain(stray)
  expect(await gate.upstream.ref('refs/heads/strays/more')).toBeUndefined()
  expect(await posted('strays/exact', newObjects.split('\n'))).toContain('ok refs/heads/strays/exact')
  const otherClone = await agent.clone()
  expect((await otherClone.git(['fetch', 'origin', stray])).output).toContain('not our ref')
})
