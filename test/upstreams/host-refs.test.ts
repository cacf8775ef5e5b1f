import { afterAll, beforeAll, expect, test } from 'vitest'
import { takeProposals } from '../git/fixtures/proposals.ts'
import { accepted, type Gate, git, rejected, startGate } from '../harness/index.ts'

let gate: Gate
beforeAll(async () => {
  gate = await startGate({ settings: { GATE_FETCH_FRESH_SECONDS: '1' } })
})
afterAll(() => gate[Symbol.asyncDispose]())

/** A token that gitleaks finds, made here so that this file holds none. */
const secret = () =>
  `ghp_${'0123456789abcdefghijklmnopqrstuvwxyzABCD'.split('').reverse().join('').slice(0, 36)}`

const setReadRefs = async (name: string, readRefs: readonly string[]) => {
  const {
    name: _,
    createdAt: __,
    ...settings
  } = (await gate.admin.request('GET', `/repositories/${name}`)) as Record<string, unknown>
  return gate.admin.request('PUT', `/repositories/${name}`, { ...settings, readRefs })
}

/** Gives upstream a ref that no branch reaches. Returns its commit. */
const proposedAt = async (upstream: Gate['upstream'], ref: string, content: string) => {
  const commit = await upstream.commit('away', `Propose ${ref}`, { 'proposal.txt': content })
  await upstream.git(['update-ref', ref, commit])
  await upstream.git(['update-ref', '-d', 'refs/heads/away'])
  return commit
}

test('refs of pull requests are served by name and by id once an operator asks for them', async () => {
  const upstream = await gate.repository('pulls')
  const pull = await proposedAt(upstream, 'refs/pull/7/head', 'a proposal\n')
  const other = await proposedAt(upstream, 'refs/merge-requests/3/head', 'another\n')
  const ada = await gate.agent('pulls-ada', { push: ['**'] }, { repository: 'pulls' })
  const work = await ada.clone()
  expect((await work.git(['fetch', 'origin', 'refs/pull/7/head'])).code).toBe(128)

  await setReadRefs('pulls', ['refs/pull/*/head', 'refs/merge-requests/**'])
  await work.text(['fetch', '-q', 'origin', 'refs/pull/7/head:pull-7'])
  expect(await work.text(['rev-parse', 'pull-7'])).toBe(pull)
  const byId = await ada.clone()
  await byId.text(['fetch', '-q', 'origin', other])
  const listed = await work.text(['ls-remote', 'origin'])
  expect(listed).toContain(`${pull}\trefs/pull/7/head`)
  expect(listed).toContain(`${other}\trefs/merge-requests/3/head`)

  await setReadRefs('pulls', [])
  expect(await work.text(['ls-remote', 'origin'])).not.toContain('refs/pull/')
})

test('a push cannot change a ref that is only read', async () => {
  const upstream = await gate.repository('kept')
  await proposedAt(upstream, 'refs/pull/1/head', 'a proposal\n')
  await setReadRefs('kept', ['refs/pull/*/head'])
  const ada = await gate.agent('kept-ada', { push: ['**'], delete: ['**'] }, { repository: 'kept' })
  const mirror = await ada.clone('--mirror')
  expect(await mirror.text(['for-each-ref', 'refs/pull'])).not.toBe('')
  const refused = await mirror.git([
    'push',
    'origin',
    ':refs/pull/1/head',
    'refs/heads/main:refs/pull/2/head',
  ])
  expect(refused.code).not.toBe(0)
  expect(await upstream.ref('refs/pull/1/head')).toBeDefined()
})

test('a secret that only a pull request has is found when a branch brings it', async () => {
  const upstream = await gate.repository('leak')
  const leaking = await proposedAt(upstream, 'refs/pull/1/head', `token = "${secret()}"\n`)
  await setReadRefs('leak', ['refs/pull/*/head'])
  const ada = await gate.agent('leak-ada', { push: ['**'] }, { repository: 'leak' })
  const work = await ada.clone()
  await work.text(['fetch', '-q', 'origin', 'refs/pull/1/head'])
  const pushed = await work.push(`${leaking}:refs/heads/leak`)
  expect(pushed).toMatchObject(rejected)
  expect(pushed.output).toContain('secret found: github-pat in proposal.txt:1')
})

test('notes are granted, scanned, forwarded and mirrored', async () => {
  const upstream = await gate.repository('notes')
  const ada = await gate.agent('notes-ada', { push: ['refs/notes/**'] }, { repository: 'notes' })
  const work = await ada.clone()
  await work.text(['notes', 'add', '-m', 'Reviewed'])
  expect(await work.push('refs/notes/commits')).toMatchObject(accepted)
  const first = await work.text(['rev-parse', 'refs/notes/commits'])
  expect(await upstream.ref('refs/notes/commits')).toBe(first)

  await work.text(['notes', 'append', '-m', 'Twice'])
  expect(await work.push('refs/notes/commits')).toMatchObject(accepted)
  await work.text(['notes', 'append', '-m', `with ${secret()}`])
  const refused = await work.push('refs/notes/commits')
  expect(refused).toMatchObject(rejected)
  expect(refused.output).toContain('github-pat')
  const other = await ada.clone()
  await other.text(['fetch', '-q', 'origin', 'refs/notes/commits:refs/notes/commits'])
  expect(await other.text(['notes', 'show'])).toBe('Reviewed\n\nTwice')
})

test('a proposal reaches upstream with its options, every time, and leaves no ref in the mirror', async () => {
  const upstream = await gate.repository('review')
  await takeProposals(upstream)
  const ada = await gate.agent(
    'review-ada',
    { push: ['refs/for/**', 'topic/**'], pushOptions: ['topic=*'] },
    { repository: 'review' },
  )
  const work = await ada.clone()
  for (const n of [1, 2]) {
    const tip = await work.commit(`Change ${n}`, { 'change.txt': `${n}\n` })
    const pushed = await work.push('HEAD:refs/for/main', '-o', `topic=change-${n}`)
    expect(pushed, pushed.output).toMatchObject(accepted)
    expect(pushed.output).toContain(`upstream: proposal ${n} for main, topic=change-${n}`)
    expect(await upstream.ref(`refs/pull/${n}/head`)).toBe(tip)
  }
  expect(await git(['ls-remote', ada.url(), 'refs/for/*'])).toMatchObject({ stdout: '' })
  await setReadRefs('review', ['refs/pull/*/head'])
  expect((await git(['ls-remote', ada.url(), 'refs/pull/*'])).stdout).toContain('refs/pull/2/head')

  const both = await work.push('HEAD:refs/for/main', 'HEAD:topic/both')
  expect(both, both.output).toMatchObject(accepted)
  expect((await git(['ls-remote', ada.url(), 'refs/heads/topic/both'])).stdout).not.toBe('')
  await work.commit('Leak', { 'leak.txt': `token = "${secret()}"\n` })
  expect(await work.push('HEAD:refs/for/main')).toMatchObject(rejected)
  expect(await upstream.ref('refs/pull/4/head')).toBeUndefined()
})

test('a refused proposal reports the words of the host', async () => {
  const upstream = await gate.repository('closed')
  await takeProposals(upstream, 'this branch takes no proposals')
  const ada = await gate.agent('closed-ada', { push: ['refs/for/**'] }, { repository: 'closed' })
  const work = await ada.clone()
  await work.commit('Change', { 'change.txt': '1\n' })
  const pushed = await work.push('HEAD:refs/for/main')
  expect(pushed).toMatchObject(rejected)
  expect(pushed.output).toContain('upstream refused: this branch takes no proposals')
})
