import fs from 'node:fs'
import path from 'node:path'
import { startEdgeGate } from '../test/edge/fixtures/edge-gate.ts'
import { ended } from '../test/edge/fixtures/engine.ts'
import { faultyLink, git, gitText } from '../test/harness/index.ts'
import { binary, makeRepository } from './repositories.ts'

// `node bench/cold-start.ts [MEGABYTES] [MEGABYTES-PER-SECOND]` measures clones through a container with an
// empty disk: first without a mirror seed, when every object comes from the upstream at the given rate, then
// with a seed. After each, it measures a clone from the warm mirror. Containers are local processes, and R2
// is miniflare's.

const megabytes = Number(process.argv[2] ?? 300)
const rate = Number(process.argv[3] ?? 20)

await using gate = await startEdgeGate({
  repositories: ['large'],
  settings: { GATE_CONTAINER_IDLE_SECONDS: '5' },
})
const large = gate.repository('large')
fs.rmSync(large.upstream.dir, { recursive: true })
await makeRepository(large.upstream.dir, {
  commits: 1,
  files: megabytes,
  fileBytes: 1 << 20,
  content: binary,
})
await using link = await faultyLink(large.upstream.port)
link.narrow(rate << 20)
await large.lead({ port: link.port })
const ada = await large.agent('ada')
const into = path.join(fs.mkdtempSync('/tmp/gate-cold-'), 'clone')

async function clone(how: string): Promise<void> {
  const began = performance.now()
  const { code, output } = await git(['clone', '--quiet', '--bare', ada.url, into], { within: 600_000 })
  if (code !== 0) throw new Error(output)
  console.log(`${megabytes} MB, ${rate} MB/s: ${how} ${((performance.now() - began) / 1000).toFixed(1)} s`)
  await gitText(['rev-parse', 'refs/heads/main'], { cwd: into })
  fs.rmSync(into, { recursive: true })
}

for (const how of ['cold, without a mirror seed', 'cold, with a mirror seed']) {
  await clone(how)
  await clone('warm')
  await ended(large.container(), 300_000)
}
fs.rmdirSync(path.dirname(into))
