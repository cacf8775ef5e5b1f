import type { Readable } from 'node:stream'
import { LFS_JSON, type LfsObject } from '../../../../src/contract/lfs.ts'
import { UpstreamError } from '../../upstream-error.ts'
import { errorOf, type LfsAction } from './api.ts'
import type { LfsSender } from './send.ts'

/** Returns the body of a download action (git-lfs docs/api/basic-transfers.md). */
export async function downloadObject(
  send: LfsSender,
  href: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<AsyncIterable<Buffer>> {
  const answer = await send(href, { method: 'GET', headers, signal })
  if (answer.statusCode !== 200) throw await errorOf(href, answer)
  return bytesOf(answer, href, signal)
}

async function* bytesOf(answer: Readable, href: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    yield* answer
  } catch (error) {
    signal.throwIfAborted()
    const reason = error instanceof Error ? error.message : String(error)
    throw new UpstreamError(
      `the LFS server ${new URL(href).host} ended in the middle of an object (${reason}); try again later`,
    )
  }
}

/**
 * Runs the upload action of an object, and its verify action if there is one. An LFS server that has the whole
 * object may work on it for `answerMs` milliseconds.
 */
export async function uploadObject(
  send: LfsSender,
  object: LfsObject,
  { upload, verify }: { upload: LfsAction; verify: LfsAction | undefined },
  open: () => Readable,
  answerMs: number,
  signal: AbortSignal,
): Promise<void> {
  const headers: Record<string, string> = {
    'content-type': 'application/octet-stream',
    ...upload.header,
    'content-length': String(object.size),
  }
  delete headers['Transfer-Encoding']
  const body = open()
  try {
    const answer = await send(upload.href, { method: 'PUT', headers, body, signal, answerMs })
    if ((answer.statusCode ?? 0) > 299) throw await errorOf(upload.href, answer)
    answer.resume()
  } finally {
    body.destroy()
  }
  if (!verify) return
  const text = JSON.stringify(object)
  const answer = await send(verify.href, {
    method: 'POST',
    headers: {
      accept: LFS_JSON,
      'content-type': LFS_JSON,
      ...verify.header,
      'content-length': String(Buffer.byteLength(text)),
    },
    body: text,
    signal,
  })
  if ((answer.statusCode ?? 0) > 299) throw await errorOf(verify.href, answer)
  answer.resume()
}
