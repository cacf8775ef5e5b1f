import fs from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { seconds, sharedGate } from '../harness/index.ts'
import { openConsole, signIn, startBrowser, untilLoaded } from './fixtures/browser.ts'
import { tabTo } from './fixtures/keyboard.ts'
import { seedGate } from './fixtures/seeded-gate.ts'

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const Found = z.array(
  z.object({ id: z.string(), impact: z.string().nullable(), nodes: z.array(z.object({ html: z.string() })) }),
)

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

async function accessibilityProblems(page: Page): Promise<string[]> {
  await page.evaluate(`if (!window.axe) { ${axe} }`)
  const found = Found.parse(
    await page.evaluate(
      'axe.run(document, { resultTypes: ["violations"] }).then(result => result.violations)',
    ),
  )
  return found.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(node => node.html).join(' | ')}`)
}

/**
 * Layout depends on the width, and colours on the scheme, so two views of a page cover all four combinations. The
 * narrow view is the last: buttons are clicked in it.
 */
const VIEWS = [
  { width: 1600, scheme: 'dark' },
  { width: 360, scheme: 'light' },
] as const

/** Expects no violation, and a page and a navigation that fit, in each view. */
async function expectAccessible(page: Page, at: string): Promise<void> {
  await page.waitForLoadState()
  await page.evaluate('for (const each of document.querySelectorAll("details")) each.open = true')
  for (const { width, scheme } of VIEWS) {
    await page.setViewportSize({ width, height: 900 })
    await page.emulateMedia({ colorScheme: scheme })
    const view = `${at}, ${width} pixels wide, ${scheme}`
    expect([view, await accessibilityProblems(page)]).toEqual([view, []])
    const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
    expect([view, overflow]).toEqual([view, 0])
    const ends = `[...document.querySelectorAll('header nav a')].map(each => each.getBoundingClientRect().right)`
    expect([view, await page.evaluate(`Math.max(...${ends}) <= innerWidth`)]).toEqual([view, true])
  }
}

/** Expects that a page and all its resources, which do not come from the browser's cache, are small. */
async function expectSmall(page: Page, at: string): Promise<void> {
  const bytes = await page.evaluate(
    `performance.getEntries().reduce((sum, entry) => sum + (entry.decodedBodySize ?? 0), 0)`,
  )
  expect(bytes, at).toBeGreaterThan(10_000)
  expect(bytes, at).toBeLessThan(150_000)
}

test('every page transfers less than 150 kB, is accessible, and fits 360 and 1600 pixels, light and dark', {
  timeout: seconds(300),
}, async () => {
  await using gate = await sharedGate()
  const pages = await seedGate(gate)
  await using operator = await openConsole(browser, gate, { width: 360 })
  const { page, open, errors: wrong } = operator
  // A routed request does not come from the browser's cache.
  await page.route('**/*', route => route.continue())
  for (const at of pages) {
    await open(at)
    await page.waitForLoadState('load')
    await expectSmall(page, at)
    await expectAccessible(page, at)
  }
  await page.getByRole('button', { name: 'Keyboard shortcuts' }).click()
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
  await expectAccessible(page, 'the help for the keyboard')
  await open('/repositories/app')
  await page.getByRole('button', { name: 'Check the connection' }).click()
  await page.getByText('the upstream takes pushes').waitFor()
  await expectAccessible(page, 'a checked connection')
  await open('/approvals')
  await page.getByRole('link', { name: 'ada to app' }).click()
  await page.getByLabel('Reason of a rejection').fill('not this week')
  await untilLoaded(page, () => page.getByRole('button', { name: 'Reject' }).click())
  await page.getByText('not this week').waitFor()
  await expectAccessible(page, 'a rejected push')
  await open('/approvals')
  await page.getByRole('heading', { name: 'Decided' }).waitFor()
  await expectAccessible(page, 'the approvals after a decision')
  await open('/agents/ada')
  await page.getByRole('button', { name: 'Mint a token' }).click()
  await page.getByText('it is not shown again').waitFor()
  await expectAccessible(page, 'a new token')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('Admin token').waitFor()
  await expectAccessible(page, 'the sign-in')
  await signIn(page, 'not one')
  await page.getByRole('alert').waitFor()
  await expectAccessible(page, 'a failed sign-in')
  expect(wrong).toEqual([])
})

test('the keyboard is enough to sign in, find a push, allow its finding, and sign out', async () => {
  await using gate = await sharedGate()
  await seedGate(gate)
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
  expect(await gate.admin.request('GET', '/exceptions')).toMatchObject([{ reason: 'a made-up value' }, {}])
})
