import type { Upstream } from '../../../src/contract/companion-api/pass.ts'
import { toUpstreamError } from '../to-upstream-error.ts'
import type { UpstreamError } from '../upstream-error.ts'
import { NoLfs } from './transport.ts'

/** Makes the error of a command of Git LFS that failed at an SSH upstream. */
export function commandError(upstream: Upstream, code: number | null, stderr: string): UpstreamError {
  // 255 is ssh's own failure; any other code is upstream's answer to the command.
  if (code !== 255 && UNKNOWN_COMMAND.test(stderr))
    return new NoLfs(`the upstream of ${upstream.name} has no Git LFS`)
  return toUpstreamError(upstream, stderr)
}

const UNKNOWN_COMMAND =
  /unrecognized command|not found|unknown command|invalid command|not allowed|disabled|no such/i
