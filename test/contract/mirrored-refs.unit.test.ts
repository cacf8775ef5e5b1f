import { expect, test } from 'vitest'
import { mirroredRefs, ReadRefPattern } from '../../src/contract/mirrored-refs.ts'

test.each(['refs/pull/*/head', 'refs/merge-requests/*/head', 'refs/changes/*', 'refs/meta/config'])(
  '%s may be read',
  pattern => {
    expect(ReadRefPattern.parse(pattern)).toBe(pattern)
  },
)

test('two stars mean one, as in a pattern of a grant', () => {
  expect(ReadRefPattern.parse('refs/changes/**')).toBe('refs/changes/*')
})

test.each([
  'refs/*',
  'refs/*/head',
  'refs/pull/*/*',
  'refs/heads/*',
  'refs/tags/v*',
  'refs/notes/*',
  'refs/replace/*',
  'refs/for/*',
  'refs/pull',
  'refs/pull/',
  'refs/pull//head',
  'refs/pull/../heads/*',
  'refs/pull/*:refs/heads/*',
  'refs/pull/* --upload-pack=x',
  '^refs/pull/1',
  'pull/*/head',
  '',
])('%j may not be read', pattern => {
  expect(ReadRefPattern.safeParse(pattern).success).toBe(false)
})

test('a mirror has branches, tags, notes, and the refs that its patterns name', () => {
  const { has, prefixes } = mirroredRefs(['refs/pull/*/head', 'refs/meta/config'])
  const there = ['refs/heads/a', 'refs/tags/a', 'refs/notes/a/b', 'refs/pull/1/head', 'refs/meta/config']
  expect(there.filter(has)).toEqual(there)
  expect(['refs/pull/1/merge', 'refs/pull/head', 'refs/meta/configs', 'refs/x/a'].filter(has)).toEqual([])
  expect(prefixes).toContain('refs/pull/')
})
