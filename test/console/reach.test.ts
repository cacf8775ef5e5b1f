import fs from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { Reaped } from '../../src/contract/outcome.ts'
import { type Gate, startGate } from '../harness/index.ts'
import { openConsole, startBrowser } from './browser.ts'
import { objectId, writeHistory } from './history.ts'
import { tabTo } from './keyboard.ts'

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const Found = z.array(
  z.object({ id: z.string(), impact: z.string().nullable(), nodes: z.array(z.object({ html: z.string() })) }),
)

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

/** A gate with something on every page; answers with all the pages. */
async function furnished(gate: Gate): Promise<string[]> {
  await gate.agent('ada', { push: ['refs/heads/ada/**'], tags: ['*'] })
  const now = Date.now()
  const finding = {
    rule: 'generic-api-key',
    path: 'a/rather/long/path/that/does/not/fit/on/a/telephone/configuration.production.json',
    line: 12,
    commit: objectId(),
    fingerprint: objectId(),
    excerpt: '"key": "[redacted]',
    asksForException: true,
  }
  const outcomes = ['accepted', 'failed', 'abandoned'] as const
  const [id] = writeHistory(gate.home, [
    {
      startedAt: now - 5_000,
      outcome: 'refused',
      findings: [finding],
      steps: ['receiving', 'rules', 'secrets'].map((step, i) => ({ step, ms: 10 + i * 300 })),
      told: [`git-gate: refused refs/heads/ada/${'long-'.repeat(30)}name`],
      refs: [
        {
          ref: `refs/heads/ada/${'long-'.repeat(30)}name`,
          old: '0'.repeat(40),
          new: objectId(),
          status: 'ng',
          reason: 'git-gate: secret found',
        },
      ],
    },
    ...Array.from({ length: 60 }, (_, i) => ({
      startedAt: now - (i + 2) * 3_600_000,
      outcome: outcomes[i % 3] ?? 'accepted',
      reaped: i % 3 === 2 ? (Reaped.options[i % Reaped.options.length] ?? null) : null,
      scannedBytes: i % 3 === 0 ? 9_000 * i : 0,
      steps: ['receiving', 'rules', 'secrets', 'forwarding'].map((step, at) => ({ step, ms: 20 * (i + at) })),
      told: ['git-gate: something was said'],
    })),
  ])
  await gate.admin.ask('POST', '/exceptions', {
    repository: 'app',
    fingerprint: objectId(),
    reason: 'a made-up value',
  })
  await gate.admin.ask('POST', '/declines', { repository: 'app', fingerprint: objectId() })
  return [
    '/pushes',
    `/pushes/${id}`,
    '/waiting',
    '/repositories',
    '/repositories/app',
    '/agents',
    '/agents/ada',
    '/agents/ada/grants/app',
    '/overview',
    '/nowhere',
  ]
}

async function accessibilityProblems(page: Page): Promise<string[]> {
  await page.evaluate(`${axe}; undefined`)
  const found = Found.parse(
    await page.evaluate(
      'axe.run(document, { resultTypes: ["violations"] }).then(result => result.violations)',
    ),
  )
  return found.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(node => node.html).join(' | ')}`)
}

// What is drawn depends on the width, its colours on the scheme: two looks at every page see all four kinds.
const VIEWS = [
  { width: 360, scheme: 'light' },
  { width: 1600, scheme: 'dark' },
] as const

test('every page is accessible and fits: 360 and 1600 pixels wide, light and dark', async () => {
  await using gate = await startGate()
  const pages = await furnished(gate)
  for (const { width, scheme } of VIEWS) {
    await using operator = await openConsole(browser, gate, { width, scheme })
    const { page, open, wrong } = operator
    for (const at of pages) {
      await open(at)
      await page.evaluate('for (const each of document.querySelectorAll("details")) each.open = true')
      const told = `${at}, ${width} pixels wide, ${scheme}`
      expect([told, await accessibilityProblems(page)]).toEqual([told, []])
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      expect([told, overflow]).toEqual([told, 0])
    }
    expect(wrong).toEqual([])
  }
})

test('everything can be done with the keyboard: sign in, find the push, allow its finding, sign out', async () => {
  await using gate = await startGate()
  await furnished(gate)
  await using context = Object.assign(await browser.newContext(), {
    async [Symbol.asyncDispose]() {
      await context.close()
    },
  })
  const page = await context.newPage()
  await page.goto(`${gate.url}/-/console`)
  await page.keyboard.type(gate.adminToken)
  await page.keyboard.press('Enter')
  await page.waitForURL('**/pushes')
  await page.keyboard.press('Tab')
  expect(await page.evaluate('document.activeElement.textContent')).toContain('Skip')
  await page.keyboard.press('Enter')
  await tabTo(page, /^ada to app$/)
  const outline = await page.evaluate('getComputedStyle(document.activeElement.closest("li")).outlineStyle')
  expect(outline).toBe('solid')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: '1 finding' }).waitFor()
  await tabTo(page, 'Reason')
  await page.keyboard.type('a made-up value')
  await tabTo(page, /^Allow/)
  await page.keyboard.press('Enter')
  await page.getByText('allowed', { exact: true }).waitFor()
  await tabTo(page, 'Sign out')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/sign-in')
  expect(await gate.admin.ask('GET', '/exceptions')).toMatchObject([{ reason: 'a made-up value' }, {}])
})

test('a page weighs less than 150 kB with all that it loads', async () => {
  await using gate = await startGate()
  const pages = await furnished(gate)
  await using operator = await openConsole(browser, gate)
  const { page, open } = operator
  // A routed request does not come from the browser's cache.
  await page.route('**/*', route => route.continue())
  for (const at of pages) {
    await open(at)
    await page.waitForLoadState('load')
    const bytes = await page.evaluate(
      `performance.getEntries().reduce((sum, entry) => sum + (entry.decodedBodySize ?? 0), 0)`,
    )
    expect(bytes, at).toBeGreaterThan(10_000)
    expect(bytes, at).toBeLessThan(150_000)
  }
})
