// npm run bench: the gate and its peers side by side, on loopback; prints tables, writes bench/results.md and drawings.
import fs from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { size } from './curves/size.ts'
import { throughput } from './curves/throughput.ts'
import { machine } from './machine.ts'
import { installPeers } from './peers/packages.ts'
import { keep } from './record.ts'
import { rows } from './rows/index.ts'
import { startStage } from './stage.ts'
import { draw } from './svg.ts'
import { asTable } from './table.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    rounds: { type: 'string', default: '12' },
    quick: { type: 'boolean', default: false },
  },
})
const effort = { rounds: values.quick ? 3 : Number(values.rounds), quick: values.quick }
const curves = { throughput, size }
const names = [...rows.map(row => row.name), ...Object.keys(curves)]
const isWanted = (name: string) => !values.only || values.only.includes(name)
if (!names.some(isWanted)) {
  console.error(`bench: --only takes ${names.join(', ')}`)
  process.exit(2)
}

const missing = installPeers()
for (const name of missing) console.error(`bench: there is no ${name}; what is compared with it is left out`)
const about = machine()
console.log(about.join('\n'))
await using stage = await startStage()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, async () => {
    await stage[Symbol.asyncDispose]()
    process.exit(130)
  })
for (const row of rows.filter(each => isWanted(each.name))) {
  const at = new Date().toISOString().slice(0, 16)
  const results = [...(await row.run(stage, effort))]
  console.log(asTable(results))
  // A hurried measurement is not what stands on record.
  if (!values.quick) keep(row.name, { at, rounds: effort.rounds, about, results }, rows)
}
for (const [name, curve] of Object.entries(curves).filter(([each]) => isWanted(each))) {
  const drawing = await curve(stage, effort)
  for (const { name: who, points } of drawing.series)
    console.log(
      `${who}: ${points.map(([x, y]) => `${x} ${drawing.x}: ${y.toPrecision(3)}`).join(', ')} (${drawing.y})`,
    )
  if (!values.quick) fs.writeFileSync(path.join(import.meta.dirname, `${name}.svg`), draw(drawing))
}
