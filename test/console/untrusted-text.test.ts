import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stripControl } from '../../cli/output.ts'
import { accepted, sharedGate } from '../harness/index.ts'
import { type ConsolePage, openConsole, startBrowser } from './fixtures/browser.ts'
import { randomObjectId, writeHistory } from './fixtures/history.ts'
import { fakeGithubToken } from './fixtures/sample-data.ts'

let browser: Browser & AsyncDisposable
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

const SCRIPT = `<img src=x onerror="document.body.id='broken'"><script>document.body.id='broken'</script>`
const HOSTILE = `"'>${SCRIPT}\u202e\u0007\u001b[31m\u200b\ufe0f\u3164\u{e0041}&amp;`
/** The invisible characters of HOSTILE. */
const INVISIBLE = /\ufe0f|[\u202e\u0007\u001b\u200b\u3164\u{e0041}]/u

test('markup in the names of real pushes is text on every page', async () => {
  await using gate = await sharedGate()
  gate.upstream.hook('post-receive', `echo '${SCRIPT.replaceAll("'", '')}' >&2`)
  const ada = await gate.agent('ada', { push: ['refs/heads/**'] })
  const work = await ada.clone()
  await work.text(['config', 'http.userAgent', SCRIPT])
  const branch = `refs/heads/ada/<img/src=x/onerror=alert(1)>&"'`
  await work.commit(HOSTILE.replaceAll(/[\u0000-\u001f]/g, ' '), { 'fine.txt': 'fine\n' })
  expect(await work.push(`HEAD:${branch}`)).toMatchObject(accepted)
  await work.commit('Deploy', {
    '<b onclick=alert(1)>\u202e\u0007.sh': `A=${SCRIPT} export GITHUB_TOKEN=${fakeGithubToken()}\n`,
  })
  await work.push(`HEAD:refs/heads/ada/deploy`)

  await using operator = await openConsole(browser, gate)
  const { page } = operator
  await page.getByText('ada/<img/src=x/onerror=alert(1)>&"\'').waitFor()
  const [refused, taken] = await gate.ledger.pushes()
  expect(refused?.findings.length).toBeGreaterThan(0)
  await operator.open(`/pushes/${taken?.id}/diff`)
  await page.getByText(SCRIPT).first().waitFor()
  for (const at of [
    '/pushes',
    `/pushes/${taken?.id}`,
    `/pushes/${taken?.id}/diff`,
    `/pushes/${refused?.id}`,
    '/pending',
    '/overview',
  ])
    await expectNoMarkup(operator, at)
})

test('every field of a ledger row is text, also in live updates, and invisible characters are escaped', async () => {
  await using gate = await sharedGate()
  await using operator = await openConsole(browser, gate)
  const { page } = operator
  const now = Date.now()
  const finding = {
    rule: HOSTILE,
    path: HOSTILE,
    line: 3,
    commit: HOSTILE,
    fingerprint: HOSTILE,
    excerpt: HOSTILE,
    asksForException: true,
  }
  const [id] = writeHistory(gate.home, [
    {
      startedAt: now,
      agent: HOSTILE,
      outcome: 'refused',
      step: HOSTILE,
      tokenId: HOSTILE,
      refs: [{ ref: HOSTILE, old: HOSTILE, new: randomObjectId(), status: 'ng', reason: HOSTILE }],
      findings: [finding],
      steps: [{ step: HOSTILE, ms: 5 }],
      remoteLines: [HOSTILE],
      upstreamOutput: HOSTILE,
      clientAddress: HOSTILE,
      clientVersion: HOSTILE,
    },
  ])
  await page.getByRole('listitem').filter({ hasText: '\\u202e' }).first().waitFor()
  await expectUnbroken(operator)
  for (const at of ['/pushes', `/pushes/${id}`, '/pending', '/overview']) {
    await expectNoMarkup(operator, at)
    expect(await page.getByText('\\u202e').count()).toBeGreaterThan(0)
    expect(await page.locator('body').textContent()).not.toMatch(INVISIBLE)
  }
  expect(stripControl(`branch ${HOSTILE}\n`)).not.toMatch(INVISIBLE)

  const refs = ['refs/tags/v1', 'refs/heads/refs/tags/v1', 'refs/heads/refs/heads/main', 'refs/heads/main']
  const [named] = writeHistory(gate.home, [
    {
      startedAt: now,
      refs: refs.map(ref => ({
        ref,
        old: randomObjectId(),
        new: randomObjectId(),
        status: 'ok',
        reason: '',
      })),
    },
  ])
  await operator.open(`/pushes/${named}`)
  expect(await page.locator('.ref').allTextContents()).toEqual([
    'tag v1',
    'refs/heads/refs/tags/v1',
    'refs/heads/refs/heads/main',
    'main',
  ])
})

async function expectNoMarkup(operator: ConsolePage, at: string): Promise<void> {
  await operator.open(at)
  await expectUnbroken(operator)
}

async function expectUnbroken({ page, errors: wrong }: ConsolePage): Promise<void> {
  expect(await page.locator('img, main script, iframe, [onclick], [onerror]').count()).toBe(0)
  expect(await page.locator('#broken').count()).toBe(0)
  expect(wrong).toEqual([])
}
