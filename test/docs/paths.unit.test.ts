import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { projectRoot } from '../../local/worker/bundle.ts'

const DOCUMENTS = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'bench/results.md',
  ...fs
    .readdirSync(path.join(projectRoot, 'docs'), { recursive: true, encoding: 'utf8' })
    .flatMap(name => (name.endsWith('.md') ? `docs/${name}` : [])),
]
const ROOMS = 'src|container|cli|local|test|bench|docs'

/** Lists the paths of the tree that a document names in backquotes, without patterns such as `test/scan/*`. */
const pathsIn = (text: string) =>
  [...text.matchAll(new RegExp(`\`((?:${ROOMS})/[\\w./-]*)\``, 'g'))].map(([, name = '']) => name)

/** Lists the targets of a document's links within the tree. */
const linksIn = (text: string) =>
  [...text.matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)].map(([, target = '']) => decodeURI(target))

test.each(DOCUMENTS)('every path that %s names exists', document => {
  const file = path.join(projectRoot, document)
  const text = fs.readFileSync(file, 'utf8')
  const named = pathsIn(text).map(name => path.join(projectRoot, name))
  const linked = linksIn(text).map(target => path.join(path.dirname(file), target))
  const missing = [...named, ...linked].filter(each => !fs.existsSync(each))
  expect(missing.map(each => path.relative(projectRoot, each))).toEqual([])
})

test('the table of places for a change names a path in each row', () => {
  const text = fs.readFileSync(path.join(projectRoot, 'docs/architecture.md'), 'utf8')
  const table = text.split('## Where to change')[1]?.split('###')[0] ?? ''
  const rows = table.split('\n').filter(line => line.startsWith('| ') && !/^\| (to change|-)/.test(line))
  expect(rows.length).toBeGreaterThan(15)
  for (const row of rows) expect(row).toMatch(new RegExp(`\`(${ROOMS})/|see \\[below\\]`))
})
