import { type Browser, chromium, type Page } from 'playwright-core'

/** Debian's package, or another browser of the family by CHROMIUM. */
const PROGRAM = process.env.CHROMIUM ?? '/usr/bin/chromium'

export interface View {
  readonly width?: number
  readonly height?: number
  readonly scheme?: 'light' | 'dark'
}

/** A page of the console, signed in, and what went wrong in it. */
export interface ConsolePage extends AsyncDisposable {
  readonly page: Page
  /** Console errors, uncaught errors, violations of the content security policy, and answers of 5xx, as text. */
  readonly wrong: readonly string[]
  /** Opens a page of the console by its path under /-/console. */
  open(path: string): Promise<void>
}

/** A browser that ends with its owner. */
export async function startBrowser(): Promise<Browser & AsyncDisposable> {
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const browser = await chromium.launch({ executablePath: PROGRAM, args: [...args, '--disable-gpu'] })
  return Object.assign(browser, { [Symbol.asyncDispose]: () => browser.close() })
}

/** Signs in as an operator does, with the form. */
export async function openConsole(
  browser: Browser,
  gate: { url: string; adminToken: string },
  { width = 1280, height = 900, scheme = 'light' }: View = {},
): Promise<ConsolePage> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
    locale: 'en-GB',
    timezoneId: 'UTC',
  })
  const page = await context.newPage()
  const wrong: string[] = []
  page.on('console', message => {
    // A page that is refused is an answer like others.
    if (/^Failed to load resource: .* status of 4\d\d/.test(message.text())) return
    if (['error', 'warning'].includes(message.type())) wrong.push(`${message.type()}: ${message.text()}`)
  })
  page.on('pageerror', error => wrong.push(`uncaught: ${error.message}`))
  page.on('response', response => {
    if (response.status() >= 500) wrong.push(`${response.status()} ${response.url()}`)
  })
  await page.exposeFunction('reportViolation', (text: string) => wrong.push(`policy: ${text}`))
  await page.addInitScript(`document.addEventListener('securitypolicyviolation', event =>
    reportViolation([event.violatedDirective, event.blockedURI, event.sample].join(' ')))`)
  const open = async (path: string) => {
    await page.goto(`${gate.url}/-/console${path}`)
  }
  await open('/sign-in')
  await page.getByLabel('Admin token').fill(gate.adminToken)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL('**/-/console/pushes')
  return { page, wrong, open, [Symbol.asyncDispose]: () => context.close() }
}
