import type { Duplex } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

/** Request of the pre-receive hook, sent once git has the push's objects in quarantine. */
export interface HookRequest {
  /** GIT_OBJECT_DIRECTORY of the quarantine; empty for a push that only deletes refs, which has none. */
  readonly objectDirectory: string
  readonly alternates: string
  /**
   * Lines of the form `<old> <new> <ref>`, for the refs whose objects git found complete (githooks(5),
   * pre-receive).
   */
  readonly lines: readonly string[]
}

/**
 * Reads the hook's request from the socket. Resolves with undefined if git exited without running the hook.
 */
export function readHookRequest(socket: Duplex): Promise<HookRequest | undefined> {
  return new Promise(resolve => {
    let text = ''
    const decoder = new StringDecoder('utf8')
    const done = (request?: HookRequest) => {
      socket.off('data', read)
      resolve(request)
    }
    const read = (chunk: Buffer) => {
      text += decoder.write(chunk)
      if (!text.endsWith('\n.\n')) return
      const [objectDirectory = '', alternates = '', ...lines] = text.split('\n')
      done({ objectDirectory, alternates, lines: lines.slice(0, -2) })
    }
    socket.on('data', read)
    socket.once('error', () => done())
    socket.once('close', () => done())
    socket.once('end', () => done())
  })
}

/** Sends the verdict to the hook. Git then updates the refs, or deletes the quarantine. */
export function answerHook(socket: Duplex, verdict: 'accept' | 'refuse'): void {
  if (!socket.destroyed) socket.write(`${verdict}\n`)
}
