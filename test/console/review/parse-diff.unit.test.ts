import { expect, test } from 'vitest'
import { parseDiff } from '../../../src/console/diff/parse-diff.ts'

test('lines of a diff have the numbers of their files, and lines like headers stay lines', () => {
  const [first, second] = parseDiff(
    [
      'diff --git a/old name.txt b/new name.txt',
      'similarity index 90%',
      '--- a/old name.txt',
      '+++ b/new name.txt',
      '@@ -7,3 +9,4 @@ function search() {',
      ' context',
      '--- removed dashes',
      '+++added pluses',
      '+another',
      ' diff is a word',
      '\\ No newline at end of file',
      'diff --git a/logo.png b/logo.png',
      'Binary files a/logo.png and b/logo.png differ',
      '',
    ].join('\n'),
  )
  expect(first?.path).toBe('new name.txt')
  expect(
    first?.lines.filter(({ kind }) => kind !== 'header').map(({ kind, number }) => [kind, number]),
  ).toEqual([
    ['hunk', undefined],
    ['context', 9],
    ['removed', 8],
    ['added', 10],
    ['added', 11],
    ['context', 12],
    ['context', undefined],
  ])
  expect(second?.path).toBe('logo.png')
  expect(second?.lines.every(({ kind }) => kind === 'header')).toBe(true)
  expect(parseDiff('')).toEqual([])
})
