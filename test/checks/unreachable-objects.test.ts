import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { body, send, ZERO } from '../grants/wire.ts'
import type { Clone } from '../harness/clone.ts'
import { type Agent, accepted, type Gate, sharedGate } from '../harness/index.ts'

const REASON = 'the pack holds objects that none of its refs reach'

let gate: Gate
let agent: Agent
let work: Clone
beforeAll(async () => {
  gate = await sharedGate()
  await gate.upstream.commit('main', 'Begin', {
    'docs/a.md': 'a\n',
    'docs/b.md': 'b\n',
    'README.md': 'App\n',
  })
  agent = await gate.agent('ada', { push: ['ada/**'], tags: ['**'] })
  work = await agent.clone()
})
afterAll(() => gate?.[Symbol.asyncDispose]())

/** Pushes HEAD, or another object, in a pack of exactly these objects. */
async function post(ref: string, ids: readonly string[], tip = 'HEAD') {
  const packed = await work.git(['pack-objects', '--stdout', '-q'], {
    input: `${ids.join('\n')}\n`,
    stdoutAs: 'latin1',
  })
  const list = body([[ZERO, await work.text(['rev-parse', tip]), ref]], Buffer.from(packed.stdout, 'latin1'))
  const { report, shown } = await send(gate, agent, list)
  return `${report.join('\n')}\n${shown}`
}

/** Returns the objects that a branch or tag has and upstream's main lacks. */
const newIn = async (tip: string) => {
  const args = ['rev-list', '--objects', '--no-object-names', tip, '--not', 'origin/main']
  return (await work.text(args)).split('\n')
}

const writeObject = async (type: string, content: string) => {
  const { stdout } = await work.git(['hash-object', '-w', '--stdin', '-t', type], { input: content })
  return stdout.trim()
}

test.each(['blob', 'tree', 'commit', 'tag'])(
  'an unreachable %s is refused, and cannot be fetched',
  async type => {
    const head = await work.commit(`Work beside a stray ${type}`, { 'a.txt': `${type}\n` })
    const words = randomBytes(10).toString('hex')
    const tree = await work.text(['rev-parse', 'HEAD^{tree}'])
    const who = 'A <a@example.com> 1700000000 +0000'
    const contents = {
      blob: async () => writeObject('blob', words),
      tree: async () => {
        const { stdout } = await work.git(['mktree'], {
          input: `100644 blob ${await work.text(['rev-parse', 'HEAD:a.txt'])}\t${words}\n`,
        })
        return stdout.trim()
      },
      commit: async () =>
        writeObject('commit', `tree ${tree}\nauthor ${who}\ncommitter ${who}\n\n${words}\n`),
      tag: async () =>
        writeObject('tag', `object ${head}\ntype commit\ntag ${words}\ntagger ${who}\n\n${words}\n`),
    }
    const stray = await contents[type as keyof typeof contents]()
    const refusal = await post(`refs/heads/ada/stray-${type}`, [...(await newIn('HEAD')), stray])
    expect(refusal).toContain(`ng refs/heads/ada/stray-${type} git-gate: ${REASON}`)
    expect(refusal).toContain(`object ${stray}`)
    expect(refusal).toContain('push with git itself')
    const other = await agent.clone()
    expect((await other.git(['fetch', 'origin', stray])).output).toContain('not our ref')
    expect(await post(`refs/heads/ada/no-stray-${type}`, await newIn('HEAD'))).toContain('ok refs/heads/ada')
  },
)

test('an unreachable tree below a reachable one is refused', async () => {
  await work.commit('Nested', { 'n/m/x.txt': 'x\n' })
  const inner = await work.text(['rev-parse', 'HEAD:n/m'])
  const { stdout } = await work.git(['mktree'], { input: `040000 tree ${inner}\telsewhere\n` })
  expect(await post('refs/heads/ada/nested', [...(await newIn('HEAD')), stdout.trim()])).toContain(REASON)
})

test('git’s own packs are accepted: thin packs, merges, restored files, empty and moved folders', async () => {
  const branch = (name: string, from: string) => work.text(['checkout', '-q', '-b', name, from])
  await branch('one', 'origin/main')
  await work.commit('One', { 'docs/a.md': 'one\n', 'deep/er/one.txt': '1\n' })
  await branch('two', 'origin/main')
  await work.commit('Two', { 'docs/b.md': 'two\n', 'deep/er/two.txt': '2\n' })
  await work.text(['merge', '-q', '--no-edit', 'one'])
  expect(await work.push('HEAD:ada/merge')).toMatchObject(accepted)
  await branch('back', 'origin/main')
  await work.commit('Away', { 'docs/a.md': 'away\n' })
  await work.commit('Back', { 'docs/a.md': 'a\n' })
  expect(await work.push('HEAD:ada/back')).toMatchObject(accepted)
  await branch('moved', 'origin/main')
  await work.text(['mv', 'docs', 'texts'])
  await work.commit('Moved')
  await work.text(['commit', '-q', '--allow-empty', '-m', 'Empty'])
  expect(await work.push('HEAD:ada/moved')).toMatchObject(accepted)
  const empty = await work.text(['mktree'])
  const bare = await work.text(['commit-tree', empty, '-m', 'Nothing'])
  expect(await work.push(`${bare}:refs/heads/ada/nothing`)).toMatchObject(accepted)
})

test('a pack with objects that upstream has is accepted', async () => {
  await work.text(['checkout', '-q', '-B', 'more', 'origin/main'])
  await work.commit('More', { 'more.txt': 'more\n' })
  const all = (await work.text(['rev-list', '--objects', '--no-object-names', 'HEAD'])).split('\n')
  expect(await post('refs/heads/ada/more', all)).toContain('ok refs/heads/ada/more')
})

test('objects that only tags reach are accepted: tags of commits, tags, trees and blobs', async () => {
  await work.text(['checkout', '-q', '-B', 'tags', 'origin/main'])
  await work.commit('Tagged', { 'new/folder/file.txt': 'tagged\n' })
  await work.text(['tag', '-a', '-m', 'First', 'v1'])
  await work.text(['tag', '-a', '-m', 'Second', 'v2', 'v1'])
  await work.text(['tag', '-a', '-m', 'Folder', 'of-folder', 'HEAD^{tree}'])
  const blob = await writeObject('blob', 'a tagged file\n')
  await work.text(['tag', 'of-file', blob])
  await work.text(['reset', '-q', '--hard', 'origin/main'])
  for (const tag of ['v2', 'of-folder', 'of-file'])
    expect(await work.push(`refs/tags/${tag}`)).toMatchObject(accepted)
})
