import type { IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { waitForMirror } from '../../container/fetch/during-first-fetch.ts'
import type { Mirror } from '../../container/mirror/mirror.ts'
import type { PassFor } from '../../src/contract/companion-api/pass.ts'

test('a client that is not to wait for a first fetch waits for any other refresh without a busy loop', async () => {
  let looks = 0
  const mirror = {
    get firstFetch() {
      looks += 1
      return undefined
    },
  } as Mirror
  const pass = { service: 'advertise-receive-pack' } as PassFor<'advertise-receive-pack'>
  const request = { headers: {} } as IncomingMessage
  const refreshed = delay(100)
  expect(await waitForMirror(pass, request, mirror, refreshed, { firstFetchWaitMs: 0 })).toEqual({ ok: true })
  expect(looks).toBe(1)
})
