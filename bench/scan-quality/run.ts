import { parseArgs } from 'node:util'
import { type Engine, engines, type Found } from './engines.ts'
import { ownSets, type SampleSet, setOfRepository, setsOfLines, setsOfRules } from './sets.ts'

// The quality of the scan beside its peers: recall by set, false alarms by rule. Examples of other projects and
// The repositories are arguments, since the project holds none:
//   npm run bench:scan -- --examples gitleaks=FILE.jsonl --rules kingfisher=FOLDER --repository FOLDER --only PATTERN --missed
const { values } = parseArgs({
  options: {
    examples: { type: 'string', multiple: true, default: [] },
    rules: { type: 'string', multiple: true, default: [] },
    repository: { type: 'string', multiple: true, default: [] },
    only: { type: 'string', default: '' },
    missed: { type: 'boolean', default: false },
  },
})

const named = (option: string): [string, string] => {
  const [name = '', ...path] = option.split('=')
  return [name, path.join('=')]
}
const sets = [
  ...ownSets(),
  ...values.examples.flatMap(option => setsOfLines(...named(option))),
  ...values.rules.flatMap(option => setsOfRules(...named(option))),
].filter(({ name }) => new RegExp(values.only).test(name))
const repositories = values.repository.map(setOfRepository)

const all = engines()
console.log(
  `| set | texts | ${all.map(({ name }) => name).join(' | ')} |\n|---${'|---'.repeat(all.length + 1)}|`,
)
for (const set of sets.filter(({ samples }) => samples.length > 0)) await showSet(set)
for (const set of repositories) await showRepository(set)

/** Prints for each engine how many texts of a set it refuses. */
async function showSet(set: SampleSet): Promise<void> {
  const cells: string[] = []
  const unexpected: string[] = []
  for (const engine of all) {
    const { found, seconds } = await timed(engine, set)
    const refused = found.filter(rules => rules.length > 0).length
    cells.push(`${refused} (${seconds} s)`)
    if (values.missed && engine === all[0])
      for (const [i, { kind }] of set.samples.entries())
        if ((found[i]?.length === 0) === set.hasSecrets) unexpected.push(`${kind} ${found[i]?.join(', ')}`)
  }
  console.log(
    `| ${set.name}${set.hasSecrets ? '' : ' (no secrets)'} | ${set.samples.length} | ${cells.join(' | ')} |`,
  )
  for (const [kind, times] of counted(unexpected)) console.log(`  ${times} × ${kind}`)
}

/** Prints the findings in a repository by rule: a person decides which are false alarms. */
async function showRepository(set: SampleSet): Promise<void> {
  const bytes = set.samples.reduce((sum, { content }) => sum + content.length, 0)
  for (const engine of all) {
    const { found, seconds } = await timed(engine, set)
    const rules = [...counted(found.flat())].map(([rule, times]) => `${times} ${rule}`).join(', ')
    const speed = (bytes / 1e6 / seconds).toFixed(1)
    console.log(
      `${set.name}: ${engine.name}: ${found.flat().length} findings in ${seconds} s (${speed} MB/s): ${rules}`,
    )
  }
}

async function timed(engine: Engine, { samples }: SampleSet): Promise<{ found: Found; seconds: number }> {
  const start = performance.now()
  const found = await engine.scan(samples)
  return { found, seconds: Math.round((performance.now() - start) / 100) / 10 }
}

function counted(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}
