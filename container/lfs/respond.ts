import type { ServerResponse } from 'node:http'
import { LFS_JSON } from '../../src/contract/lfs.ts'
import { GateFault } from '../checks/index.ts'
import { describeError } from '../process/describe-error.ts'
import { logError } from '../process/log.ts'
import { MemoryExhausted } from '../process/memory-budget.ts'
import { LfsRefused, NoLfs } from '../upstream/lfs-server/index.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'
import { StoreFull, WrongObject } from './incoming-object.ts'

/** Sends an error of the LFS API, whose message git-lfs prints. */
export function lfsError(response: ServerResponse, status: number, message: string): void {
  if (response.destroyed || response.headersSent) return void response.destroy()
  // git-lfs tries again after this many seconds (429), and tries no other status after a wait.
  if (status === 429) response.setHeader('retry-after', '2')
  response.writeHead(status, { 'content-type': LFS_JSON, 'cache-control': 'no-cache' })
  response.end(JSON.stringify({ message }))
}

/** The status and the message of a failure. */
export function failureOf(id: string, error: unknown): { status: number; message: string } {
  if (error instanceof NoLfs) return { status: 404, message: `git-gate: ${error.message}` }
  if (error instanceof LfsRefused) return { status: 409, message: `git-gate: ${error.message}` }
  if (error instanceof UpstreamError) return { status: 502, message: `git-gate: ${error.message}` }
  if (error instanceof WrongObject)
    return { status: 400, message: `git-gate: the object is refused: ${error.message}` }
  if (error instanceof StoreFull)
    return {
      status: 507,
      message:
        'git-gate: the gate has no room for this object; an operator raises GATE_LFS_STORE_BYTES or frees its disk',
    }
  if (error instanceof MemoryExhausted) return { status: 429, message: `git-gate: ${error.message}` }
  const reason =
    error instanceof GateFault ? error.message : `the gate failed on this object: ${describeError(error)}`
  logError(id, error instanceof GateFault ? (error.cause ?? error) : error)
  return {
    status: 500,
    message: `git-gate: ${reason}; this is the gate's fault: try again; if it happens again, tell the operator`,
  }
}

export function respondWithFailure(response: ServerResponse, id: string, error: unknown): void {
  if (response.destroyed) return
  const { status, message } = failureOf(id, error)
  // A client in the middle of an object sees its connection end, and learns no reason.
  if (response.headersSent) logError(id, error)
  lfsError(response, status, message)
}
