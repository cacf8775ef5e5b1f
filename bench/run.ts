// `npm run bench` measures the gate and its peers on loopback, prints tables, and writes bench/results.md and
// drawings.
import fs from 'node:fs'
import path from 'node:path'
import { Command } from 'commander'
import { startStage } from './bench-fixture.ts'
import { size } from './curves/size.ts'
import { throughput } from './curves/throughput.ts'
import { installPeers } from './peers/packages.ts'
import { machine } from './report/machine.ts'
import { keep } from './report/record.ts'
import { draw } from './report/svg.ts'
import { asTable } from './report/table.ts'
import { rows } from './rows/index.ts'

const curves = { throughput, size }
const names = [...rows.map(row => row.name), ...Object.keys(curves)]
const options = new Command('npm run bench --')
  .description('The gate and its peers side by side, on loopback. It installs the peers where it is root.')
  .option('--only <name...>', `these alone: ${names.join(', ')}`)
  .option('--rounds <number>', 'of comparisons that take seconds; longer ones take fewer', '12')
  .option('--quick', 'three rounds and a tenth of the sizes, to see whether it works; not kept')
  .option('--json', 'print the results as lines of JSON; progress goes to stderr')
  .parse()
  .opts<{ only?: string[]; rounds: string; quick?: true; json?: true }>()
const effort = { rounds: options.quick ? 3 : Number(options.rounds), quick: options.quick === true }
const isWanted = (name: string) => !options.only || options.only.includes(name)
const unknown = options.only?.filter(name => !names.includes(name)) ?? []
if (unknown.length || !(effort.rounds >= 1)) {
  console.error(
    unknown.length
      ? `bench: there is no ${unknown.join(', ')}; --only takes ${names.join(', ')}`
      : 'bench: --rounds takes a number from 1',
  )
  process.exit(2)
}

const missing = installPeers()
for (const name of missing) console.error(`bench: there is no ${name}; what is compared with it is left out`)
const about = machine()
const print = (text: string, data: unknown) => console.log(options.json ? JSON.stringify(data) : text)
if (!options.json) console.log(about.join('\n'))
await using stage = await startStage()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, async () => {
    await stage[Symbol.asyncDispose]()
    process.exit(130)
  })
for (const row of rows.filter(each => isWanted(each.name))) {
  const at = new Date().toISOString().slice(0, 16)
  const results = [...(await row.run(stage, effort))]
  print(asTable(results), { name: row.name, results })
  // Results of --quick are not comparable, so they are not recorded.
  if (!effort.quick) keep(row.name, { at, about, results }, rows)
}
for (const [name, curve] of Object.entries(curves).filter(([each]) => isWanted(each))) {
  const drawing = await curve(stage, effort)
  const told = drawing.series.map(
    ({ name: who, points }) =>
      `${who}: ${points.map(([x, y]) => `${x} ${drawing.x}: ${y.toPrecision(3)}`).join(', ')} (${drawing.y})`,
  )
  print(told.join('\n'), { name, ...drawing })
  if (!effort.quick) fs.writeFileSync(path.join(import.meta.dirname, `${name}.svg`), draw(drawing))
}
