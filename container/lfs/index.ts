import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import { disconnectSignal, endWithTimeout } from '../client/response-end.ts'
import { type SessionEnd, sessionEndOf } from '../sessions/session-counts.ts'
import { sessionOf } from '../sessions/sessions.ts'
import { lfsBatch } from './batch.ts'
import { lfsDownload } from './download.ts'
import type { Lfs } from './lfs.ts'
import { lfsLocks } from './locks.ts'
import { lfsError } from './respond.ts'
import { lfsUpload, lfsVerify } from './upload.ts'

export { createLfs, type Lfs } from './lfs.ts'
export { openStore } from './store.ts'

type LfsPass = PassFor<'lfs-batch' | 'lfs-download' | 'lfs-upload' | 'lfs-verify' | 'lfs-locks'>

/** Serves the LFS requests of the Worker. */
export async function serveLfs(
  lfs: Lfs,
  pass: LfsPass,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  switch (pass.service) {
    case 'lfs-batch':
      return inSession(lfs, pass, response, () => lfsBatch(lfs, pass, request, response))
    case 'lfs-download':
      return lfsDownload(lfs, pass, request, response)
    case 'lfs-upload':
      return lfsUpload(lfs, pass, request, response)
    case 'lfs-verify':
      return inSession(lfs, pass, response, () => lfsVerify(lfs, pass, request, response))
    case 'lfs-locks':
      return inSession(lfs, pass, response, () => lfsLocks(lfs, pass, request, response))
  }
}

/** Serves a short request in a session: it waits for upstream or a scan, and an agent may send many at once. */
async function inSession(
  { sessions, settings }: Pick<Lfs, 'sessions' | 'settings'>,
  pass: LfsPass,
  response: ServerResponse,
  serve: () => Promise<void>,
): Promise<void> {
  const started = await sessions.beginInTurn(sessionOf(pass), disconnectSignal(response))
  if (!started.ok) return lfsError(response, 429, `git-gate: ${started.reason}`)
  let end: SessionEnd = { outcome: 'failed' }
  try {
    await serve()
    end = sessionEndOf(
      response.writableFinished ? undefined : await endWithTimeout(response, settings.readIdleMs),
    )
  } finally {
    started.end(end)
  }
}
