import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import type { PushClient } from '../../container/client/push-client.ts'
import { readBody } from '../../container/client/request-body.ts'
import { createGit } from '../../container/git/git.ts'
import { FLUSH, pktLine } from '../../container/git/pkt-line.ts'
import { runPush } from '../../container/push/push.ts'
import { createPushState } from '../../container/push/push-state.ts'
import type { PushWork } from '../../container/push/push-work.ts'
import { PushRecorder } from '../../container/push/record/push-recorder.ts'
import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import type { PushEvent } from '../../src/contract/companion-api/push-event.ts'
import { GrantTerms } from '../../src/contract/grant.ts'
import { upstreamOf } from '../harness/hosts/upstream-of.ts'

test('a push whose mirror is deleted while its commands are read gets a reason, and an outcome', async () => {
  const id = '1'.repeat(40)
  const list = [pktLine(`${id} ${id} refs/heads/main\0 report-status side-band-64k`), FLUSH]
  const sent: Buffer[] = []
  const events: PushEvent[] = []
  const client: PushClient = {
    body: readBody(Readable.from(list), { idleMs: 10_000 }),
    protocol: undefined,
    disconnected: new AbortController().signal,
    enterPhase() {},
    write: bytes => void sent.push(bytes),
    async end() {},
    disconnect() {},
  }
  const terms = GrantTerms.parse({ rules: [] })
  const pass = { id: 'push', agent: 'ada', terms, repository: upstreamOf() } as PassFor<'git-receive-pack'>
  const state = createPushState()
  const recording = {
    pass,
    journal: { async write() {} },
    state,
    sendEvent: async (event: PushEvent) => void events.push(event),
  }
  const git = createGit('/nowhere/mirror.git', { PATH: process.env.PATH ?? '' })
  const work = {
    pass,
    client,
    state,
    mirror: { git, objectFormat: 'sha1', isReady: async () => true },
    recorder: new PushRecorder(recording),
  } as unknown as PushWork
  expect(await runPush(work)).toMatchObject({ outcome: 'failed' })
  expect(Buffer.concat(sent).toString()).toContain(
    'ng refs/heads/main git-gate: the gate could not take this push',
  )
  expect(events).toMatchObject([{ event: 'ended', report: { outcome: 'failed' } }])
})
