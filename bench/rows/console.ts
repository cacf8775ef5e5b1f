import { openConsole, startBrowser } from '../../test/console/fixtures/browser.ts'
import { writeHistory } from '../../test/console/fixtures/history.ts'
import { longHistory, measureLoad, scrollTo } from '../../test/console/fixtures/long-history.ts'
import { spread } from '../measure.ts'
import { milliseconds, type Result, type Row } from '../row.ts'

const PUSHES = 10_000
const MOST_MS = 1_000
const MOST_BYTES = 150_000
const PAGES = ['/pushes', '/pushes?agent=agent-7&outcome=refused', '/overview?range=month']

/** The console on a long ledger: the load time and size of its pages, and the frame times of scrolling. */
export const consolePages: Row = {
  name: 'console',
  async run(stage, { rounds, quick }) {
    const gate = await stage.anotherGate({}, [])
    writeHistory(gate.home, longHistory(PUSHES))
    await using browser = await startBrowser().catch(() => undefined)
    if (!browser) {
      console.error('bench: there is no chromium; the console is left out')
      return []
    }
    await using operator = await openConsole(browser, gate)
    const { page, open } = operator
    // Routing a request disables the browser's cache.
    await page.route('**/*', route => route.continue())
    const results: Result[] = []
    for (const path of PAGES) {
      const times: number[] = []
      let weight = 0
      for (let round = 0; round < rounds; round++) {
        await open(path)
        const { shownMs, bytes } = await measureLoad(page)
        times.push(shownMs)
        weight = Math.max(weight, bytes)
      }
      results.push({
        work: `open the console's ${path} on ${PUSHES} pushes`,
        against: 'a second, and 150 kB with all that it loads',
        gate: `${milliseconds(times)}, ${Math.round(weight / 1000)} kB`,
        peer: '',
        reached: spread(times).median < MOST_MS && weight < MOST_BYTES,
      })
    }
    await open('/pushes')
    const lines = quick ? 300 : 2_000
    const { frames, busy } = await scrollTo(page, lines)
    const sorted = frames.toSorted((a, b) => a - b)
    const at = (share: number) => `${Math.round(sorted[Math.floor(sorted.length * share)] ?? 0)} ms`
    results.push({
      work: `scroll through ${lines} of them`,
      against: 'the time of a frame: median, and 95th percentile',
      gate: `${at(0.5)}, ${at(0.95)}`,
      peer: '',
      note: `the page was busy for more than 50 ms ${busy.length} times, for ${Math.round(Math.max(0, ...busy))} ms at most`,
    })
    return results
  },
}
