import type { Page } from 'playwright-core'
import { z } from 'zod'
import { until } from '../harness/until.ts'
import { type PastPush, STEPS } from './history.ts'

/** Uneventful pushes of many agents into many repositories, newest first. */
export function longHistory(pushes: number): PastPush[] {
  const outcomes = ['accepted', 'accepted', 'accepted', 'refused', 'abandoned'] as const
  const now = Date.now()
  return Array.from({ length: pushes }, (_, i) => ({
    startedAt: now - i * 90_000,
    agent: `agent-${i % 40}`,
    repository: `acme/app-${i % 25}`,
    outcome: outcomes[i % outcomes.length] ?? 'accepted',
    steps: STEPS.map((step, at) => ({ step, ms: (i % 200) * at })),
  }))
}

const Opened = z.object({ shownMs: z.number(), bytes: z.number() })
export type Opened = z.infer<typeof Opened>

/** How long a page that was just opened took to show something, and what it weighs with all that it loads. */
export async function opened(page: Page): Promise<Opened> {
  return until(
    async () =>
      Opened.optional().parse(
        await page.evaluate(`(() => {
          const [paint] = performance.getEntriesByName('first-contentful-paint')
          if (!paint || document.readyState !== 'complete') return undefined
          const bytes = performance.getEntries().reduce((sum, each) => sum + (each.decodedBodySize ?? 0), 0)
          return { shownMs: paint.startTime, bytes }
        })()`),
      ),
    10_000,
    () => 'the page shows nothing',
  )
}

const Scrolled = z.object({ frames: z.array(z.number()), busy: z.array(z.number()), lines: z.number() })
/** Times in milliseconds: of every frame, and of every stretch for which the page heard nobody (Long Tasks API). */
export type Scrolled = z.infer<typeof Scrolled>

const TURN = 900

/** Turns the wheel over the list of pushes until it has so many lines. */
export async function scrollTo(page: Page, lines: number): Promise<Scrolled> {
  await page.evaluate(`(() => {
    const seen = (globalThis.seen = { frames: [], busy: [], lines: 0, over: false })
    new PerformanceObserver(list => seen.busy.push(...list.getEntries().map(each => each.duration))).observe({ type: 'longtask' })
    let last = performance.now()
    const frame = at => {
      seen.frames.push(at - last)
      last = at
      seen.lines = document.querySelectorAll('.pushes > li').length
      requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
  })()`)
  await page.locator('#pushes').hover({ position: { x: 200, y: 200 } })
  const look = async () => Scrolled.parse(await page.evaluate('seen'))
  let seen = await look()
  for (let turns = 0; seen.lines < lines; turns++) {
    if (turns > lines) throw new Error(`the list has ${seen.lines} lines after ${turns} turns of the wheel`)
    await page.mouse.wheel(0, TURN)
    seen = await look()
  }
  return seen
}
