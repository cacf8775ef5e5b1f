// npm run bench: the gate and its peers side by side, on loopback; prints tables, writes bench/results.md and drawings.
import path from 'node:path'
import { parseArgs } from 'node:util'
import { machine } from './machine.ts'
import { installPeers } from './peers/packages.ts'
import type { Result } from './row.ts'
import { rows } from './rows/index.ts'
import { startStage } from './stage.ts'
import { asTable, writeResults } from './table.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    rounds: { type: 'string', default: '12' },
    quick: { type: 'boolean', default: false },
  },
})
const effort = { rounds: values.quick ? 3 : Number(values.rounds), quick: values.quick }
const wanted = rows.filter(row => !values.only || values.only.includes(row.name))
if (wanted.length === 0) {
  console.error(`bench: --only takes ${rows.map(row => row.name).join(', ')}`)
  process.exit(2)
}

const missing = installPeers()
for (const name of missing) console.error(`bench: there is no ${name}; what is compared with it is left out`)
const results: Result[] = []
const startedAt = new Date()
await using stage = await startStage()
for (const row of wanted) {
  const found = await row.run(stage, effort)
  results.push(...found)
  console.log(asTable(found))
}
const about = machine()
console.log(about.join('\n'))
// A part of the table, or a hurried one, is not what stands on record.
if (!values.only && !values.quick)
  writeResults(path.join(import.meta.dirname, 'results.md'), { results, about, startedAt, effort })
