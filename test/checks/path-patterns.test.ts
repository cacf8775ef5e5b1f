import { expect, test } from 'vitest'
import { LimitExceeded } from '../../container/checks/limits.ts'
import { PathPatterns } from '../../container/checks/secrets/gitleaks/path-patterns.ts'
import { processorMs, seconds } from '../harness/index.ts'

/** Patterns for which a backtracking engine takes exponential or polynomial time. */
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

test.for(BACKTRACKING)('the path pattern %s is matched in time linear in the path', pattern => {
  const matches = new PathPatterns().compile(pattern)
  const ms = processorMs(() => {
    for (const letter of ['a', 'x']) expect(matches(`${letter.repeat(4_000)}!`)).toBe(false)
  })
  expect(ms).toBeLessThan(seconds(5))
})

test.for([
  ['^test/fixtures/', 'test/fixtures/key.pem', true],
  ['^test/fixtures/', 'src/test/fixtures/key.pem', false],
  ['(?i)\\.LOCK$', 'a/b.lock', true],
  ['a(?i:B)$', 'aB', true],
  ['(?P<kind>key)[[:digit:]]\\z', 'a/key1', true],
  ['\\Qa.b\\E', 'a.b', true],
  ['^\\pL+$', 'é', true],
] as const)('a path pattern has the meaning that it has in Go: %s on %s', ([pattern, path, is]) => {
  expect(new PathPatterns().compile(pattern)(path)).toBe(is)
})

test.for(['a(?=b)', '(?<=a)b', '(a)\\1', '(', 'a{1001}'])(
  'a pattern that is invalid in Go is refused: %s',
  pattern => {
    expect(() => new PathPatterns().compile(pattern)).toThrow(/cannot be read as a regular expression of Go/)
  },
)

test.for([
  `(?:${'ab'.repeat(400)}){100}`,
  `${`(?:\\d{1,1000}|`.repeat(50)}x${')'.repeat(50)}`,
  `${'('.repeat(9)}${'a'.repeat(1_000)}${'){2}'.repeat(9)}`,
  `(?i)${'[\\pL\\pN]{900}'.repeat(100)}`,
])(
  'a pattern that is too large with its repetitions expanded is refused before it is compiled: %#',
  pattern => {
    const ms = processorMs(() => expect(() => new PathPatterns().compile(pattern)).toThrow(/too large/))
    expect(ms).toBeLessThan(seconds(1))
  },
)

test('the sizes of all patterns are added', () => {
  const patterns = new PathPatterns()
  expect(() => {
    for (let i = 0; i < 1_000; i++) patterns.compile(`^folder-${i}/.*\\.fixture$`)
  }).toThrow(/too large/)
})

test('matching on a shared thread ends at its limit, and a repeated path costs nothing', () => {
  const matches = new PathPatterns(10_000).compile('^(\\w+/?)*\\.fixture$')
  const path = `${'a'.repeat(200)}!`
  for (let i = 0; i < 1_000; i++) expect(matches(path)).toBe(false)
  expect(() => {
    for (let i = 0; i < 1_000; i++) matches(`${i}${path}`)
  }).toThrow(LimitExceeded)
})

test('no pattern matches a path that is too long to open', () => {
  expect(new PathPatterns().compile('.*')('a/'.repeat(3_000))).toBeUndefined()
})
