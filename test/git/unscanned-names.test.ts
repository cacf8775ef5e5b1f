import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { expect, test } from 'vitest'
import { body, CAPABILITIES, packOf, send, ZERO } from '../grants/wire.ts'
import { accepted, seconds, sharedGate, startGate, until } from '../harness/index.ts'

/** Lists the files of a folder that contain `text`. */
function filesWith(text: string, folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => path.join(folder, name))
    .filter(file => fs.lstatSync(file).isFile() && fs.readFileSync(file).includes(text))
}

/** Receives webhooks and keeps their bodies. */
async function webhookReceiver() {
  let said = ''
  let told = 0
  const server = createServer(async (request, response) => {
    for await (const chunk of request.setEncoding('utf8')) said += chunk
    told += 1
    response.writeHead(204).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    said: () => said,
    told: () => told,
    [Symbol.dispose]: () => void server.close(),
  }
}

test('a secret in an unscanned text is neither on disk nor in the API, webhooks, metrics or the log', async () => {
  await using gate = await startGate()
  using hook = await webhookReceiver()
  await gate.admin.request('POST', '/webhooks', { url: hook.url, events: 'pushes' })
  const ada = await gate.agent('ada', { push: ['ada/**'] })
  const work = await ada.clone()
  await work.commit('Something', { 'a.txt': 'a\n' })
  const pack = await packOf(work, 'HEAD', '^origin/main')
  const id = await work.text(['rev-parse', 'HEAD'])
  const secrets: string[] = []
  const secret = (generic = false) => {
    const made = generic ? randomBytes(20).toString('hex') : `ghp_${randomBytes(18).toString('hex')}`
    secrets.push(made)
    return made
  }
  const list = (ref: string, more = '') => body([[ZERO, id, ref]], pack, `${CAPABILITIES}${more}`)
  const pushes = [true, false].flatMap(generic => [
    { bytes: list('refs/heads/ada/a', ` ${secret(generic)}`) },
    { bytes: list('refs/heads/ada/a', ` session-id=${secret(generic)}`) },
    { bytes: body([[ZERO, id, 'refs/heads/main2']], pack, `report-status agent=${secret(generic)}`) },
    { bytes: list(`refs/heads/ada/-${secret(generic)}`) },
    { bytes: list(`refs/notes/api_key=${secret(generic)}`) },
    { bytes: list(`refs/heads/other/${secret(generic)}`) },
    { bytes: list('refs/heads/other'), headers: { 'user-agent': `git/${secret(generic)}` } },
    // The pack breaks off, so the push is never scanned.
    { bytes: list(`refs/heads/ada/${secret(generic)}`).subarray(0, -30) },
  ])
  // This push is scanned, and the scan finds the secret in its ref's name.
  const scanned = { bytes: list(`refs/heads/ada/${secret()}`) }
  for (const { bytes, ...posting } of [...pushes, scanned]) await send(gate, ada, bytes, posting)

  const all = await until(
    async () => {
      const found = await gate.ledger.pushes()
      return found.length === pushes.length + 1 && found.every(push => push.outcome !== 'open')
        ? found
        : undefined
    },
    seconds(30),
    () => 'a push has no outcome',
  )
  await gate.tick()
  await until(
    () => hook.told() >= all.length || undefined,
    seconds(40),
    () => `the webhook was told ${hook.told()} times`,
  )
  const records = await Promise.all(all.map(({ id: push }) => gate.admin.request('GET', `/pushes/${push}`)))
  const metrics = await fetch(`${gate.url}/-/metrics`, {
    headers: { authorization: `Bearer ${gate.adminToken}` },
  })
  const kept = [JSON.stringify(records), await metrics.text(), hook.said(), gate.log.join('\n')].join('\n')
  for (const each of secrets) {
    expect(kept).not.toContain(each)
    expect(filesWith(each, gate.home)).toEqual([])
  }
}, 120_000)

test('a ref name that was scanned and accepted is recorded in full', async () => {
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', { push: ['ada/**'] })
  const work = await ada.clone()
  await work.commit('Something', { 'a.txt': 'a\n' })
  const ref = 'refs/heads/ada/session-01m8ghj3h71xh0s08yq1'
  expect(await work.push(`HEAD:${ref}`)).toMatchObject(accepted)
  expect((await gate.ledger.last()).refs).toMatchObject([{ ref, status: 'ok' }])
})
