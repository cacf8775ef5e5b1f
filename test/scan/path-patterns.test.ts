import { expect, test } from 'vitest'
import { LimitExceeded } from '../../container/checks/limits.ts'
import { PathPatterns } from '../../container/checks/secrets/gitleaks/path-patterns.ts'
import { seconds } from '../harness/index.ts'

/** Shapes on which an expression engine that backtracks takes time exponential or polynomial in the path's length. */
const BACKTRACKING = [
  '^(\\w+/?)*\\.fixture$',
  '(a*)*b',
  '(a|aa)+$',
  '(a+)+$',
  '(.*a){12}x',
  '([a-z]+)*[0-9]',
  '(a|a)*c',
  '(x+x+)+y',
  '^(([a-z])+.)+[A-Z]([a-z])+$',
  'a*a*a*a*a*a*a*a*a*c',
  '(?i)(?:(?:a?){30}a{30})$',
]

test.for(BACKTRACKING)('the path pattern %s is matched in time that grows with the path alone', pattern => {
  const matches = new PathPatterns().compile(pattern)
  const started = performance.now()
  for (const letter of ['a', 'x']) expect(matches(`${letter.repeat(4_000)}!`)).toBe(false)
  expect(performance.now() - started).toBeLessThan(seconds(5))
})

test.for([
  ['^test/fixtures/', 'test/fixtures/key.pem', true],
  ['^test/fixtures/', 'src/test/fixtures/key.pem', false],
  ['(?i)\\.LOCK$', 'a/b.lock', true],
  ['a(?i:B)$', 'aB', true],
  ['(?P<kind>key)[[:digit:]]\\z', 'a/key1', true],
  ['\\Qa.b\\E', 'a.b', true],
  ['^\\pL+$', 'é', true],
] as const)('a path pattern of Go is read as Go reads it: %s on %s', ([pattern, path, is]) => {
  expect(new PathPatterns().compile(pattern)(path)).toBe(is)
})

test.for(['a(?=b)', '(?<=a)b', '(a)\\1', '(', 'a{1001}'])(
  'a pattern that Go does not have is refused: %s',
  pattern => {
    expect(() => new PathPatterns().compile(pattern)).toThrow(/cannot be read as a regular expression of Go/)
  },
)

test.for([
  `(?:${'ab'.repeat(400)}){100}`,
  `(?:\\d{1,1000}|`.repeat(50) + 'x' + ')'.repeat(50),
  `${'('.repeat(9)}${'a'.repeat(1_000)}${'){2}'.repeat(9)}`,
  `(?i)${'[\\pL\\pN]{900}'.repeat(100)}`,
])(
  'patterns that are large once their repeats are written out are refused before they are compiled: %#',
  pattern => {
    const started = performance.now()
    expect(() => new PathPatterns().compile(pattern)).toThrow(/too large/)
    expect(performance.now() - started).toBeLessThan(seconds(1))
  },
)

test('many small patterns count together', () => {
  const patterns = new PathPatterns()
  expect(() => {
    for (let i = 0; i < 1_000; i++) patterns.compile(`^folder-${i}/.*\\.fixture$`)
  }).toThrow(/too large/)
})

test('matching on a shared thread ends at its bound, and a path matched before costs nothing', () => {
  const matches = new PathPatterns(10_000).compile('^(\\w+/?)*\\.fixture$')
  const path = `${'a'.repeat(200)}!`
  for (let i = 0; i < 1_000; i++) expect(matches(path)).toBe(false)
  expect(() => {
    for (let i = 0; i < 1_000; i++) matches(`${i}${path}`)
  }).toThrow(LimitExceeded)
})

test('a path that is longer than any that can be opened is matched by no pattern', () => {
  expect(new PathPatterns().compile('.*')('a/'.repeat(3_000))).toBeUndefined()
})
