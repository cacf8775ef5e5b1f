import type { Duplex } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

/** What pre-receive says of a push that git has received into quarantine. */
export interface HookRequest {
  /** GIT_OBJECT_DIRECTORY of the quarantine; empty for a pure delete, which has none. */
  readonly objectDirectory: string
  readonly alternates: string
  /** `<old> <new> <ref>` as git judged them fit to go on. */
  readonly lines: readonly string[]
}

/** Waits for pre-receive to speak; undefined when git ended without running it. */
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

/** Answers pre-receive; git goes on to move the refs, or drops the quarantine. */
export function answerHook(socket: Duplex, verdict: 'pass' | 'refuse'): void {
  if (!socket.destroyed) socket.write(`${verdict}\n`)
}
