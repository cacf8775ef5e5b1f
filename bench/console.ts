// The console on a ledger with 10,000 pushes: how long its list takes to open, what it weighs, how it scrolls.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { z } from 'zod'
import { bundleWorker } from '../local/bundle.ts'
import { startLocalGate } from '../local/gate.ts'
import { openHome } from '../local/home.ts'
import { startWorker } from '../local/worker.ts'
import { openConsole, startBrowser } from '../test/console/browser.ts'
import { writeHistory } from '../test/console/history.ts'

const PUSHES = 10_000
const RUNS = 7
const SCROLLED_PAGES = 20

await using all = new AsyncDisposableStack()
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-bench-'))
all.defer(() => fs.rmSync(dir, { recursive: true, force: true, maxRetries: 3 }))
const home = all.use(openHome(path.join(dir, 'home'), {}))
const code = await bundleWorker()
const gate = all.use(
  await startLocalGate({
    home,
    port: 0,
    companionPort: 0,
    settings: {},
    say: () => {},
    runWorker: worker => startWorker({ ...worker, code }),
  }),
)
const outcomes = ['accepted', 'accepted', 'accepted', 'refused', 'abandoned'] as const
const now = Date.now()
writeHistory(
  home.dir,
  Array.from({ length: PUSHES }, (_, i) => ({
    startedAt: now - i * 90_000,
    agent: `agent-${i % 40}`,
    repository: `acme/app-${i % 25}`,
    outcome: outcomes[i % outcomes.length] ?? 'accepted',
    steps: ['receiving', 'rules', 'secrets', 'forwarding'].map((step, at) => ({ step, ms: (i % 200) * at })),
  })),
)

const browser = all.use(await startBrowser())
const operator = all.use(await openConsole(browser, { url: gate.url, adminToken: home.adminToken }))
const { page, open } = operator
await page.route('**/*', route => route.continue())

const Opened = z.object({ shown: z.number(), bytes: z.number() })
for (const at of ['/pushes', '/pushes?agent=agent-7&outcome=refused', '/waiting', '/overview?range=month']) {
  const runs: z.infer<typeof Opened>[] = []
  for (let run = 0; run < RUNS; run++) {
    await open(at)
    runs.push(
      Opened.parse(
        await page.evaluate(`({
          shown: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity,
          bytes: performance.getEntries().reduce((sum, each) => sum + (each.decodedBodySize ?? 0), 0),
        })`),
      ),
    )
  }
  const shown = runs.map(run => run.shown).sort((a, b) => a - b)
  console.log(
    `${at.padEnd(40)} shown after ${Math.round(shown[RUNS >> 1] ?? 0)} ms (${RUNS} runs, at most ${Math.round(shown.at(-1) ?? 0)} ms), ${Math.round((runs[0]?.bytes ?? 0) / 1000)} kB`,
  )
}

await open('/pushes')
const Frames = z.object({ lines: z.number(), frames: z.array(z.number()) })
const { lines, frames } = Frames.parse(
  await page.evaluate(`new Promise(resolve => {
    const frames = []
    const list = document.getElementById('pushes')
    let last = performance.now()
    const step = at => {
      frames.push(at - last)
      last = at
      scrollBy(0, 120)
      if (list.children.length < ${SCROLLED_PAGES * 50}) requestAnimationFrame(step)
      else resolve({ lines: list.children.length, frames })
    }
    requestAnimationFrame(step)
  })`),
)
frames.sort((a, b) => a - b)
const percentile = (share: number) => Math.round(frames[Math.floor(frames.length * share)] ?? 0)
console.log(
  `scrolled through ${lines} pushes: a frame takes ${percentile(0.5)} ms, ${percentile(0.99)} ms at the 99th percentile`,
)
