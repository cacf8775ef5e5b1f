import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assert, constantFrom, property, array as sequence, string } from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { scanConfig } from '../../../container/checks/secrets/gitleaks/config.ts'
import { KeywordSearch } from '../../../container/checks/secrets/gitleaks/keyword-search.ts'
import { NeededRules } from '../../../container/checks/secrets/gitleaks/needed-rules.ts'
import { ScanFileWriter } from '../../../container/checks/secrets/gitleaks/scan-files.ts'
import {
  type GitleaksMatch,
  gateConfigPath,
  runGitleaks,
} from '../../../container/checks/secrets/gitleaks/verified-run.ts'
import { adobeId, githubToken } from '../fixtures/fakes.ts'
import { gitleaks } from '../fixtures/gitleaks.ts'
import { harmless } from './harmless.ts'
import { kinds } from './kinds.ts'
import { places } from './places.ts'
import { shapes } from './shapes.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'git-gate-needed-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let count = 0
const { signal } = new AbortController()

/** Scans texts, each in a file of its own, with all rules or with those that a scan takes. */
async function matchesOf(texts: readonly Buffer[], takesAllRules: boolean, operator = ''): Promise<string[]> {
  const config = await scanConfig(operator, { gitleaks, folder })
  const scanFiles = new ScanFileWriter(join(folder, `texts-${++count}`), { ...config, separateFiles: true })
  for (const [i, content] of texts.entries())
    await scanFiles.add(
      { commit: '', path: `${i}`, kind: 'file' },
      { content, lines: { kind: 'from', first: 1 }, encodings: [], archivePath: [] },
    )
  await scanFiles.finish()
  const path = takesAllRules ? gateConfigPath : await config.fileFor(scanFiles.keywords)
  const matches = await runGitleaks({ gitleaks, config: path, scanFiles, signal })
  return matches.map(shown).sort()
}

const shown = ({ rule, file, line, secret, match }: GitleaksMatch) =>
  JSON.stringify([rule, file, line, secret, match])

test('the rules whose keywords a text has give the matches of all rules', async () => {
  const texts = [
    ...kinds.map(kind => shapes.YAML?.(kind, kind.value()) ?? ''),
    ...places.map(({ content }) => content()),
    ...harmless().map(({ content }) => content),
  ].map(content => Buffer.from(content))
  // Few texts at a time, so that most of the rules are left out.
  for (const some of [texts, texts.slice(0, 5), texts.slice(60, 65), texts.slice(-30)])
    expect(await matchesOf(some, false)).toEqual(await matchesOf(some, true))
})

test('a Kelvin sign is a letter of a keyword, as for gitleaks', async () => {
  const texts = [Buffer.from(`adobe_client_to\u212aen = "${adobeId()}"\n`)]
  expect(await matchesOf(texts, false)).toEqual(await matchesOf(texts, true))
})

test('an operator’s configuration names rules that the texts do not need', async () => {
  const operator = `
[extend]
disabledRules = ["stripe-access-token"]
[[allowlists]]
targetRules = ["npm-access-token"]
regexes = ["never"]
[[rules]]
id = "gitlab-pat"
entropy = 4
`
  const found = await matchesOf([Buffer.from(`${githubToken()}\n`)], false, operator)
  expect(found).toHaveLength(1)
})

test('a configuration for ordinary text has few rules', async () => {
  const rules = await NeededRules.of(gitleaks)
  const found = new Set<string>()
  rules?.keywords.search(Buffer.from('export const answer = 42\n'), found)
  const config = rules?.configFor(found, new Set())
  expect(config?.match(/^\[\[rules\]\]$/gm)?.length).toBeLessThan(10)
})

test('a binary with another configuration gets all rules', async () => {
  expect(await NeededRules.of(process.execPath)).toBeUndefined()
  expect(await NeededRules.of('gitleaks-that-is-not-there')).toBeUndefined()
})

test('the search finds each keyword that a text has, whatever its case', () => {
  const letters = constantFrom('a', 'b', 'A', 'B', '-', ' ', 'é')
  const word = string({ unit: constantFrom('a', 'b', '-'), minLength: 1, maxLength: 5 })
  assert(
    property(
      sequence(word, { maxLength: 20 }),
      string({ unit: letters, maxLength: 60 }),
      (keywords, text) => {
        const found = new Set<string>()
        new KeywordSearch(keywords).search(Buffer.from(text), found)
        expect(found).toEqual(new Set(keywords.filter(keyword => text.toLowerCase().includes(keyword))))
      },
    ),
  )
})
