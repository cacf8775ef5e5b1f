import type { Clone } from '../../harness/clone.ts'

/** The branches and tags of the work tree, which pushes name. */
const NAMES = [
  'base',
  'one',
  'two',
  'side',
  'merged',
  'root',
  'blob',
  'tree',
  'note',
  'note2',
  'nested',
  'blobnote',
] as const
export type ObjectName = (typeof NAMES)[number]

/**
 * `base` is upstream's main; `one` and `side` grow from it, `two` from `one`; `merged` has two and side; `root` has
 * no parent. `blob` and `tree` are no commits. `note` and `note2` are annotated tags on `one` and `two`, `nested`
 * one on `note`, `blobnote` one on the blob.
 */
export async function makeObjects(work: Clone): Promise<Readonly<Record<ObjectName, string>>> {
  const branch = async (name: ObjectName, from: string) => {
    await work.text(['switch', '-q', '-c', name, from])
    return work.commit(`Make ${name}`, { [name]: `${name}\n` })
  }
  await work.text(['branch', 'base', 'HEAD'])
  await branch('one', 'base')
  await branch('two', 'one')
  await branch('side', 'base')
  await work.text(['switch', '-q', '-c', 'merged', 'two'])
  await work.text(['merge', '-q', '-m', 'Merge side', 'side'])
  await work.text(['switch', '-q', '--orphan', 'root'])
  await work.commit('Begin anew', { root: 'root\n' })
  for (const [name, object] of [
    ['blob', 'one:one'],
    ['tree', 'one^{tree}'],
  ] as const)
    await work.text(['tag', name, object])
  for (const [name, object] of [
    ['note', 'one'],
    ['note2', 'two'],
    ['nested', 'note'],
    ['blobnote', 'blob'],
  ] as const)
    await work.text(['tag', '-a', '-m', `About ${object}`, name, object])
  const ids = await Promise.all(NAMES.map(async name => [name, await work.text(['rev-parse', name])]))
  return Object.fromEntries(ids)
}
