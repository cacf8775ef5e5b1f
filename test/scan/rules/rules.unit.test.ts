import { readFile } from 'node:fs/promises'
import { parse } from 'smol-toml'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gateConfigPath } from '../../../container/checks/secrets/gitleaks/verified-run.ts'
import { adobeId, githubToken, stripeKey } from '../fixtures/fakes.ts'
import { findingsOf, scanTexts, type Text } from '../fixtures/scan-texts.ts'
import { accidents } from './accidents.ts'
import { disguises, harmless } from './harmless.ts'
import { kinds } from './kinds.ts'
import { lockFiles } from './lock-files.ts'
import { places } from './places.ts'
import { bareShapes, shapes } from './shapes.ts'

/** Returns the names of the texts in which no secret is found. */
async function missed(cases: readonly (Text & { readonly name: string })[]): Promise<string[]> {
  const findings = await findingsOf(cases)
  return cases.filter((_, i) => findings[i]?.length === 0).map(({ name }) => name)
}

test('each kind of credential is found in each shape in which people write it', async () => {
  const cases = kinds.flatMap(kind => [
    ...Object.entries(shapes).map(([shape, write]) => ({
      name: `${kind.kind} as ${shape}`,
      content: write(kind, kind.value()),
    })),
    ...Object.entries(kind.isBare ? bareShapes : {}).map(([shape, write]) => ({
      name: `${kind.kind} as ${shape}`,
      content: write(kind.value()),
    })),
  ])
  // A random value may read like words, in one of some thousands.
  expect(await missed(cases)).toEqual(
    expect.toSatisfy((names: string[]) => names.length <= cases.length / 500),
  )
})

test('a secret is found in each file and line that shows it', async () => {
  expect(await missed(places.map(({ content, ...place }) => ({ ...place, content: content() })))).toEqual([])
})

test('a secret is found in each text that programs and people write it into by accident', async () => {
  expect(await missed(accidents.map(({ name, content }) => ({ name, content: content() })))).toEqual([])
})

test('no checksum of a lock or sum file is a finding, whatever the package is called', async () => {
  const findings = await findingsOf(lockFiles)
  expect(lockFiles.filter((_, i) => findings[i]?.length)).toEqual([])
})

test('a real secret in a lock or sum file is found', async () => {
  const files = lockFiles.filter(({ name }) => name === 'keygen')
  const cases = files.flatMap(({ path, content }) => [
    { name: path, path, content: `${content}token: ${githubToken()}\n` },
    { name: path, path, content: `${content}"api_token": "${adobeId()}",\n` },
    { name: path, path, content: `${content}${stripeKey()}\n` },
  ])
  expect(await missed(cases)).toEqual([])
})

test('placeholders, public keys, encrypted values and references are no findings', async () => {
  const cases = harmless()
  const judged = await scanTexts(cases)
  const findings = cases.flatMap(({ name }, i) =>
    (judged[i] ?? [])
      .filter(({ reason }) => reason === undefined)
      .map(({ rule, secret }) => `${name}: ${rule} ${secret}`),
  )
  expect(findings).toEqual([])
})

test('no reason for a false alarm hides a secret of a known form', async () => {
  const forms = kinds.filter(({ isBare, kind }) => isBare && kind !== 'Google API')
  const cases = Object.entries(disguises).flatMap(([disguise, write], d) =>
    forms
      .filter((_, i) => (i + d) % 4 === 0)
      .map(({ kind, value }) => ({ name: `${kind} in ${disguise}`, content: write(value()) })),
  )
  expect(await missed(cases)).toEqual([])
})

const Rules = z.object({
  rules: z.array(z.object({ id: z.string(), regex: z.string(), keywords: z.array(z.string()).optional() })),
})

test('each rule of the gate has keywords that gitleaks looks for first, or changes a rule that has', async () => {
  const { rules } = Rules.parse(parse(await readFile(gateConfigPath, 'utf8')))
  expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length)
  expect(
    rules.filter(({ keywords }) => keywords?.some(word => word !== word.trim() || word.length < 2)),
  ).toEqual([])
})
