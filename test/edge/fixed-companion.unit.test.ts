import { expect, test, vi } from 'vitest'
import { sendToFixed } from '../../src/companion/fixed-url.ts'

const settings = { GATE_PASS_KEY: 'k'.repeat(32), GATE_ADMIN_TOKEN: 't'.repeat(32) }
const environment = (more: object) => ({ ...settings, ...more }) as unknown as Env

test('requests to a companion at a fixed URL take the network binding, where there is one', async () => {
  const network = vi.fn(async () => new Response('by the binding'))
  const send = sendToFixed(
    environment({ GATE_COMPANION_URL: 'http://127.0.0.1:9420', COMPANION_NETWORK: { fetch: network } }),
  )
  expect(await (await send?.('/health', { method: 'GET' }))?.text()).toBe('by the binding')
  expect(network).toHaveBeenCalledWith(new URL('http://127.0.0.1:9420/health'), { method: 'GET' })
})

test('without a fixed URL no request is sent past the container', () => {
  expect(sendToFixed(environment({ COMPANION_NETWORK: { fetch: vi.fn() } }))).toBe(undefined)
})
