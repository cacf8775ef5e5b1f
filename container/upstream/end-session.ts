import type { ChildProcess } from 'node:child_process'
import { FLUSH } from '../git/pkt-line.ts'
import { killWithStreams } from '../process/spawn.ts'

/** Time for upstream to end a session without a request, in milliseconds. Then its process is killed. */
const END_MS = 2_000

/**
 * Ends a session of upstream's git that waits for a request or for commands: it gets none, and exits. `onKill` is called
 * if it does not.
 */
export function endSession(child: ChildProcess, onKill: () => void): void {
  if (child.stdin?.writable) child.stdin.end(FLUSH)
  child.stdout?.resume()
  const late = setTimeout(() => {
    onKill()
    killWithStreams(child)
  }, END_MS)
  child.once('close', () => clearTimeout(late))
}
