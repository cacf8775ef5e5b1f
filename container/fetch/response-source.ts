import type { Readable } from 'node:stream'

/** The source of a fetch's response: the output of a git process, or of a git process that others share. */
export interface ResponseSource {
  /** A CGI response: header lines, an empty line, the body. */
  readonly stdout: Readable
  /** Takes back bytes of `stdout` that have been written, so that their memory is used again or freed. */
  recycle(bytes: Buffer): void
  /** Resolves with git's stderr when the response is complete. */
  readonly ended: Promise<{ stderr: string }>
  /** Ends the response early. A git process without another reader is killed. */
  stop(): void
}
