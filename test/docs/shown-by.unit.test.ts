import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { projectRoot } from '../../local/worker/bundle.ts'

const read = (name: string) => fs.readFileSync(path.join(projectRoot, name), 'utf8')
const PATH = String.raw`test/[\w/.-]+\.ts`

interface Shown {
  readonly file: string
  readonly names: readonly string[]
}

/** Lists the tests in `test/x.ts: "name", "name"` and in `test/x.ts`: name. */
function shownIn(text: string): Shown[] {
  const quoted = [...text.matchAll(new RegExp(`(${PATH})\`?: ("[^"]+"(?:, "[^"]+")*)`, 'g'))]
  const bare = [...text.matchAll(new RegExp(`\`(${PATH})\`: ([^"|][^|]*?) *\\|`, 'g'))]
  return [
    ...quoted.map(([, file = '', names = '']) => ({
      file,
      names: [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name),
    })),
    ...bare.map(([, file = '', name = '']) => ({ file, names: [name] })),
  ]
}

/** Lists the rows of a table whose head names a file: the name of a test is the last cell. */
function rowsShownBy(text: string): Shown[] {
  return [
    ...text.matchAll(new RegExp(`shown by \\(\`(${PATH})\`\\)[^\\n]*\\n[^\\n]*\\n((?:\\|.*\\n)+)`, 'g')),
  ].map(([, file = '', rows = '']) => ({
    file,
    names: rows
      .trim()
      .split('\n')
      .map(row => row.split('|').at(-2)?.trim() ?? ''),
  }))
}

const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Returns whether a title in a test file has this text. In a title, `%s` and `${…}` stand for any text. */
function hasTest(source: string, name: string): boolean {
  // A title of a table alone can be any text.
  if (source.includes(name) || source.includes("'$title'")) return true
  const titles = [...source.matchAll(/(['"`])((?:\\.|(?!\1).)+)\1/g)].map(([, , title = '']) => title)
  return titles.some(title => {
    const parts = title.replaceAll("\\'", "'").split(/%[sdijo]|\$\{[^}]*\}|\$\w+/)
    return (
      (parts.length === 1 ? title.length > 10 : parts.join('').trim().length > 5) &&
      new RegExp(`^${parts.map(literal).join('.*')}$`).test(name)
    )
  })
}

describe('each test that a document names exists', () => {
  test.each(['docs/threat-model.md', 'docs/mutation-tests.md'])('%s', document => {
    const text = read(document)
    const shown = [...shownIn(text), ...rowsShownBy(text)]
    expect(shown.length).toBeGreaterThan(20)
    const missing = shown.flatMap(({ file, names }) => {
      const source = fs.existsSync(path.join(projectRoot, file)) ? read(file) : ''
      return names
        .filter(name => name !== 'the same' && !hasTest(source, name))
        .map(name => `${file}: ${name}`)
    })
    expect(missing).toEqual([])
  })
})
