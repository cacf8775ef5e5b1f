import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createHighlighter, type Piece } from '../../../src/console/diff/highlight.ts'
import { type FileDiff, parseDiff } from '../../../src/console/diff/parse-diff.ts'
import { processorMs } from '../../harness/processor-time.ts'

/** A file that a push creates with these lines. */
const created = (path: string, lines: readonly string[]): FileDiff => {
  const text = [`diff --git a/${path} b/${path}`, `@@ -0,0 +1,${lines.length} @@`, ...lines.map(l => `+${l}`)]
  const [file] = parseDiff(text.join('\n'))
  if (!file) throw new Error('no file in the diff')
  return file
}

/** Returns the pieces of each line that has them, as `kind text`. */
const words = (pieces: ReadonlyMap<unknown, Piece[]> | undefined) =>
  [...(pieces?.values() ?? [])].map(line =>
    line.flatMap(({ text, kind }) => (kind === undefined ? [] : [`${kind} ${text}`])),
  )

test('code gets the colours of its language, in removed lines as the old file had them', () => {
  const [file] = parseDiff(
    [
      'diff --git a/src/a.ts b/src/a.ts',
      '@@ -1,4 +1,4 @@',
      ' /* a comment',
      '-   of two lines */ const old = 1',
      '+   of two lines',
      `+ */ const fresh = \`a \${b} c\` // <b>`,
      ' return "x"',
    ].join('\n'),
  )
  if (!file) throw new Error('no file in the diff')
  expect(words(createHighlighter()(file))).toEqual([
    ['comment    of two lines */', 'keyword const', 'string 1'],
    ['comment /* a comment'],
    ['comment    of two lines'],
    ['comment  */', 'keyword const', 'string `a ', 'string  c`', 'comment // <b>'],
    ['keyword return', 'string "x"'],
  ])
})

const PATHS = ['a.ts', 'b.py', 'c.sh', 'd.json', 'e.html', 'f.css', 'g.yaml', 'h.sql', 'Dockerfile', 'i.cpp']

test('the pieces of a line are the line, whatever it has', () => {
  const line = fc
    .array(
      fc.constantFrom(
        '<',
        '&',
        '&lt;',
        '"',
        "'",
        '`',
        '${',
        '}',
        '//',
        '/*',
        '*/',
        '#',
        ' x',
        '\u202e',
        '🙂',
      ),
    )
    .map(parts => parts.join(''))
  fc.assert(
    fc.property(fc.constantFrom(...PATHS), fc.array(line, { minLength: 1 }), (path, lines) => {
      const pieces = createHighlighter()(created(path, lines)) ?? new Map()
      for (const [{ text }, of] of pieces) expect(`+${of.map(({ text }: Piece) => text).join('')}`).toBe(text)
    }),
  )
})

test('a page has colours within a bound, for whole files only; unknown languages and long lines have none', () => {
  const highlight = createHighlighter()
  expect(highlight(created('notes.txt', ['const a = 1']))).toBeUndefined()
  expect(highlight(created('Makefile', ['const a = 1']))).toBeUndefined()
  const long = highlight(created('a.ts', [`const a = '${'x'.repeat(500)}'`, 'const b = 2']))
  expect(words(long)).toEqual([['keyword const', 'string 2']])
  expect(
    highlight(
      created(
        'b.ts',
        Array.from({ length: 2_000 }, () => 'const a = 1'),
      ),
    ),
  ).toBeUndefined()
  expect(highlight(created('c.ts', ['const a = 1']))).toBeDefined()
  expect(highlight(created('d.ts', ['x'.repeat(30_000)]))).toBeUndefined()
})

test('code that is made to be slow takes less than a second of processor time', () => {
  const slow = { 'a.cpp': 'a', 'c.java': '_', 'd.ts': '(', 'e.yaml': '[[', 'f.sql': '<' }
  for (const [path, part] of Object.entries(slow)) {
    const lines = Array.from({ length: 180 }, () => part.repeat(Math.floor(160 / part.length)))
    const highlight = createHighlighter()
    const ms = processorMs(() => void highlight(created(path, lines)))
    expect([path, ms < 1_000]).toEqual([path, true])
  }
})
