import type { Page } from 'playwright-core'

/** Presses Tab until what has the focus is called so, by its label or its words. */
export async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  for (let presses = 0; presses < 80; presses++) {
    const focused = String(
      await page.evaluate(
        '((document.activeElement?.labels?.[0] ?? document.activeElement)?.textContent ?? "").trim()',
      ),
    )
    if (typeof name === 'string' ? focused === name : name.test(focused)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab does not reach ${name}`)
}
