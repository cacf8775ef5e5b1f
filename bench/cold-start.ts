import fs from 'node:fs'
import { binary } from './repositories.ts'
import { mustGit, startStage } from './stage.ts'

// `node bench/cold-start.ts [MEGABYTES]`: what a clone costs through a gate that has to get the repository from
// upstream first, as a new container has to, and what the next one costs.

const MEGABYTES = Number(process.argv[2] ?? 300)
const ROUND_TRIPS_MS = [0, 20, 80] as const

await using stage = await startStage()
for (const ms of ROUND_TRIPS_MS) {
  const shape = { commits: 1, files: MEGABYTES, fileBytes: 1 << 20, content: binary }
  const { gate } = await stage.place(`cold-${ms}`, shape, ms)
  const clone = async () => {
    const into = stage.fresh('clone')
    const began = performance.now()
    await mustGit(['clone', '--quiet', '--bare', gate, into])
    const seconds = (performance.now() - began) / 1000
    fs.rmSync(into, { recursive: true })
    return seconds.toFixed(1)
  }
  const first = await clone()
  const next = await clone()
  console.log(`${MEGABYTES} MB, upstream ${ms} ms away: first clone ${first} s, next clone ${next} s`)
}
