import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { matchRef } from '../../src/contract/grant.ts'
import { compileGlob, matchesWildcard } from '../../src/contract/text/glob.ts'
import { processorMs } from '../harness/processor-time.ts'

const REFS = names(['a', 'b', 'ab', 'a-b', 'B', '1', 'a.b', 'é', 'a]', 'main'], 3, 'refs/heads/')
const PATHS = names(['a', 'b', 'ab', 'a b', 'a[b', 'a]', 'a\\b', 'é', '-', 'B', '{a}', '1*'], 3, '')

/** Joins up to `depth` parts in every way, and thins the result out to paths that can exist together. */
function names(parts: readonly string[], depth: number, prefix: string): string[] {
  let level = [prefix]
  const all: string[] = []
  for (let i = 0; i < depth; i++) {
    level = level.flatMap(start =>
      parts.map(
        (part, index) =>
          `${start}${start.endsWith('/') || start === '' ? '' : '/'}${part}${index % 3 === i ? '' : index}`,
      ),
    )
    all.push(...level.filter((_, index) => index % (i === 2 ? 17 : 1) === 0))
  }
  // As in git, no path may be a folder of another path.
  return all.filter(name => !all.some(other => other.startsWith(`${name}/`)))
}

let folder: string
const git = (...args: string[]) =>
  execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gate-glob-'))
  git('init', '-q')
  git('-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-q', '--allow-empty', '-m', 't')
  const commit = git('rev-parse', 'HEAD').trim()
  writeFileSync(
    join(folder, '.git/packed-refs'),
    `# pack-refs with: peeled fully-peeled sorted \n${sorted(REFS)
      .map(ref => `${commit} ${ref}\n`)
      .join('')}`,
  )
  const blob = execFileSync('git', ['hash-object', '-w', '--stdin'], { cwd: folder, input: '' })
    .toString()
    .trim()
  execFileSync('git', ['update-index', '-z', '--index-info'], {
    cwd: folder,
    input: PATHS.map(path => `100644 ${blob}\t${path}\0`).join(''),
  })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const sorted = (all: readonly string[]) =>
  [...all].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

/** Both commands also match a pattern literally, as a folder or a whole name. */
const literally = (pattern: string, name: string) =>
  name === pattern || name.startsWith(pattern.endsWith('/') ? pattern : `${pattern}/`)

const piece = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('a', 'b', 'ab', 'é', 'B', '1', '-', '.', 'main', '0', '4') },
  { weight: 5, arbitrary: fc.constantFrom('*', '**', '***', '?', '/', '/**/', '/**', '**/', '*/', '\\/') },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '[ab]',
      '[!a]',
      '[^a-c]',
      '[a-]',
      '[]a]',
      '[!]]',
      '[[:alpha:]]',
      '[[:digit:]-]',
      '[[:nope:]]',
      '[a',
      '[[:alpha]',
      '[\\]]',
      '[a\\-c]',
      '[b-a]',
      '[é]',
      '[/]',
      '[!/]',
      '[--0]',
      '[[:upper:][:digit:]]',
      '[a-[:digit:]]',
    ),
  },
  { weight: 2, arbitrary: fc.constantFrom('\\a', '\\*', '\\[', '\\\\', '{a}', '\\', ']', ' ') },
)
const pattern = fc.array(piece, { minLength: 1, maxLength: 7 }).map(pieces => pieces.join(''))

/** Each run starts a git; further patterns come with the next run of the suite. */
const RUNS = 150

test('a glob matches the refs that git for-each-ref lists', { timeout: 120_000 }, () => {
  const refs = git('for-each-ref', '--format=%(refname)').trim().split('\n')
  expect(refs.length).toBeGreaterThan(100)
  fc.assert(
    fc.property(pattern, rest => {
      const glob = `refs/heads/${rest}`
      const listed = new Set(git('for-each-ref', '--format=%(refname)', glob).trim().split('\n'))
      for (const ref of refs.filter(name => !literally(glob, name)))
        expect(matchRef(glob, ref), `${glob} on ${ref}`).toBe(listed.has(ref))
    }),
    { numRuns: RUNS },
  )
})

test('a glob matches the paths that git ls-files lists', { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(
      // Git normalizes a path before it reads the glob, and reads the `**` of `a**` as if nothing came before
      // (git_fnmatch skips the plain beginning, which gitignore(5) does not know of): both are left out.
      pattern
        .filter(text => !/(^|\/)\.{0,2}(\/|$)|\\?\/$|^\\?\//.test(text.replaceAll('\\/', '/')))
        .filter(text => !/^[^*?[\\]*[^*?[\\/]\*\*/.test(text)),
      glob => {
        const listed = new Set(git('ls-files', '-z', `:(glob)${glob}`).split('\0'))
        for (const path of PATHS.filter(name => !literally(glob, name)))
          expect(compileGlob(glob).test(path), `${glob} on ${path}`).toBe(listed.has(path))
      },
    ),
    { numRuns: RUNS },
  )
})

test('a glob matches in linear time', () => {
  const text = 'a'.repeat(500)
  const ms = processorMs(() => {
    expect(compileGlob(`${'*a'.repeat(200)}b`).test(text)).toBe(false)
    expect(compileGlob(`${'**/'.repeat(150)}b`).test(text.replaceAll('a', 'a/'))).toBe(false)
  })
  expect(ms).toBeLessThan(10_000)
})

/** Wildcards that make a backtracking regular expression run forever. */
const CLEVER = [
  '*a'.repeat(200),
  '*'.repeat(400),
  '?*'.repeat(200),
  '*a*'.repeat(120),
  `${'a*'.repeat(200)}?`,
]

test.for(CLEVER)('an ssh wildcard matches in linear time: %#', pattern => {
  const ms = processorMs(() => expect(matchesWildcard(`${pattern}b`, 'a'.repeat(253))).toBe(false))
  expect(ms).toBeLessThan(1_000)
})

test('an ssh wildcard has * and ? alone, and both match any character', () => {
  expect(matchesWildcard('*.example.com', 'git.example.com')).toBe(true)
  expect(matchesWildcard('*', 'a/b')).toBe(true)
  expect(matchesWildcard('h?st', 'host')).toBe(true)
  expect(matchesWildcard('h?st', 'hst')).toBe(false)
  expect(matchesWildcard('[127.0.0.*]:2222', '[127.0.0.1]:2222')).toBe(true)
  expect(matchesWildcard('[ab].com', 'a.com')).toBe(false)
  expect(matchesWildcard('a.c', 'abc')).toBe(false)
})
