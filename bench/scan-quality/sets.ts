import { readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { accidents } from '../../test/scan/rules/accidents.ts'
import { harmless } from '../../test/scan/rules/harmless.ts'
import { kinds } from '../../test/scan/rules/kinds.ts'
import { lockFiles } from '../../test/scan/rules/lock-files.ts'
import { places } from '../../test/scan/rules/places.ts'
import { bareShapes, shapes } from '../../test/scan/rules/shapes.ts'

/** A text that an engine scans as a file of its own. */
export interface Sample {
  /** The kind of credential, or the rule that the text is an example of. */
  readonly kind: string
  readonly path: string
  readonly content: string | Buffer
}

/** Texts that all hold a secret, or all hold none. */
export interface SampleSet {
  readonly name: string
  readonly hasSecrets: boolean
  readonly samples: readonly Sample[]
}

const PATH = 'file.txt'

/** The project's own sets, with new secrets in each run. */
export const ownSets = (): SampleSet[] => [
  ...Object.entries(shapes).map(([shape, write]) => ({
    name: `kinds as ${shape}`,
    hasSecrets: true,
    samples: kinds.map(kind => ({ kind: kind.kind, path: PATH, content: write(kind, kind.value()) })),
  })),
  ...Object.entries(bareShapes).map(([shape, write]) => ({
    name: `kinds as ${shape}`,
    hasSecrets: true,
    samples: kinds
      .filter(({ isBare }) => isBare)
      .map(({ kind, value }) => ({ kind, path: PATH, content: write(value()) })),
  })),
  {
    name: 'files and lines that show a secret',
    hasSecrets: true,
    samples: places.map(({ name, path = PATH, content }) => ({ kind: name, path, content: content() })),
  },
  {
    name: 'accidents: recordings, documents, tables, commands, notes',
    hasSecrets: true,
    samples: accidents.map(({ name, content }) => ({ kind: name, path: PATH, content: content() })),
  },
  {
    name: 'lock and sum files',
    hasSecrets: false,
    samples: lockFiles.map(({ path, content }) => ({ kind: path, path, content })),
  },
  {
    name: 'placeholders, public keys, encrypted values',
    hasSecrets: false,
    samples: harmless().map(({ name, content }) => ({ kind: name, path: PATH, content })),
  },
]

const Example = z.object({
  rule: z.string(),
  secret: z.boolean(),
  path: z.string().default(''),
  text: z.string(),
})

/** Reads examples from lines of JSON, `{"rule", "secret", "path", "text"}`: those with a secret, and those without. */
export function setsOfLines(name: string, file: string): SampleSet[] {
  const examples = readFileSync(file, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => Example.parse(JSON.parse(line)))
  return [true, false].map(hasSecrets => ({
    name: `${name}: ${hasSecrets ? 'examples' : 'counter-examples'}`,
    hasSecrets,
    samples: examples
      .filter(({ secret }) => secret === hasSecrets)
      .map(({ rule, path, text }) => ({ kind: rule, path: path || PATH, content: text })),
  }))
}

const RuleFile = z.object({
  rules: z.array(
    z.object({
      name: z.string(),
      examples: z.array(z.string()).nullish(),
      negative_examples: z.array(z.string()).nullish(),
    }),
  ),
})

/** Reads the examples of rules in YAML, as kingfisher and Nosey Parker have them. */
export function setsOfRules(name: string, folder: string): SampleSet[] {
  const rules = filesOf(folder)
    .filter(file => /^\.ya?ml$/.test(extname(file)))
    .flatMap(file => RuleFile.safeParse(parse(readFileSync(join(folder, file), 'utf8'))).data?.rules ?? [])
  const samples = (of: 'examples' | 'negative_examples') =>
    rules.flatMap(rule => (rule[of] ?? []).map(content => ({ kind: rule.name, path: PATH, content })))
  return [
    { name: `${name}: examples`, hasSecrets: true, samples: samples('examples') },
    { name: `${name}: counter-examples`, hasSecrets: false, samples: samples('negative_examples') },
  ]
}

/** The largest file of a repository that is read, in bytes. */
const MAX_FILE_BYTES = 1 << 20

/** Reads the files of a work tree. Nothing in them is known to be a secret. */
export const setOfRepository = (folder: string): SampleSet => ({
  name: folder,
  hasSecrets: false,
  samples: filesOf(folder)
    .filter(file => !/(?:^|\/)\.git\//.test(file))
    .map(file => ({ kind: file, path: file, content: readFileSync(join(folder, file)) })),
})

const filesOf = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file => {
    const stat = statSync(join(folder, file), { throwIfNoEntry: false })
    return stat?.isFile() === true && stat.size <= MAX_FILE_BYTES
  })
