import { logError } from '../../common/log.ts'
import { settingsOf } from '../../common/settings.ts'
import { withTimeout } from '../../common/with-timeout.ts'
import type { PushEvent } from '../../contract/companion-api/push-event.ts'
import { type Frame, FrameError, FrameReader, PUSH_FRAMES } from '../../contract/companion-api/push-frames.ts'
import { deleteProbe } from '../../ledger/pushes/write-pushes.ts'
import type { Send } from '../health.ts'
import { askWithPass } from '../pass.ts'
import { keepHeldPack } from './held-packs.ts'
import { permissionPass } from './permission.ts'
import { createPushLedger } from './push-ledger.ts'
import { syncOutcome } from './sync-outcome.ts'

/** A push that passes through the Durable Object. */
export interface PushRequest {
  readonly env: Env
  readonly id: string
  readonly repository: string
  /** Sends a request to the companion. */
  readonly send: Send
  /** Aborts when the client disconnects. */
  readonly disconnected: AbortSignal
  /**
   * Aborts the request to the companion and drains the client's request: git reads a response only after it
   * has sent its request.
   */
  readonly giveUp: () => Promise<void>
  /** Keeps the Durable Object alive until the promise settles. */
  readonly waitUntil: (work: Promise<unknown>) => void
}

/** Limit of the response that is buffered for a slow client, in bytes. */
const MAX_UNREAD_BYTES = 1 << 20

/**
 * Time to wait for the outcome of a push whose response broke off, in seconds. After that the sweep asks for
 * it.
 */
export const SETTLE_SECONDS = 25

/**
 * Splits the companion's response to a push: events go to the ledger, bytes to the client. The outcome is in
 * the ledger before the client gets the end of its response. If the response breaks off, the outcome comes
 * from the companion's journal.
 */
export async function answerPush(answer: Response, push: PushRequest): Promise<Response> {
  const settleLater = () => push.waitUntil(syncOutcome(push.env, push, SETTLE_SECONDS))
  if (!answer.body || answer.headers.get('content-type') !== PUSH_FRAMES) {
    settleLater()
    return answer
  }
  const silenceMs = settingsOf(push.env).GATE_COMPANION_SILENCE_SECONDS * 1000
  const events = takeEvents(push)
  const { readable, writer } = clientStream()
  const first = Promise.withResolvers<'answered' | 'probe' | 'broken'>()
  const carried = carry(answer.body, silenceMs, writer, events, () => first.resolve('answered'))
    .then(async () => {
      first.resolve('probe')
      if (events.isProbe())
        await deleteProbe(push.env.LEDGER, push.id).catch(error => logError({ push: push.id }, error))
      else if (!events.isRecorded()) settleLater()
      await writer.close()
    })
    .catch(async (error: unknown) => {
      if (!push.disconnected.aborted) logError({ push: push.id }, error)
      if (!events.isRecorded()) settleLater()
      await push.giveUp()
      first.resolve('broken')
      await writer.abort(error).catch(() => {})
    })
  push.waitUntil(carried)
  // The upload may have broken with the companion, and its rest cannot be read then. An error makes workerd close
  // the client's connection; a response would leave a client that still sends waiting.
  if ((await first.promise) === 'broken') throw new Error('the companion was lost before it answered')
  return new Response(readable, {
    headers: { 'content-type': 'application/x-git-receive-pack-result', 'cache-control': 'no-cache' },
  })
}

const clientStream = () => {
  const strategy = new ByteLengthQueuingStrategy({ highWaterMark: MAX_UNREAD_BYTES })
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({}, strategy, strategy)
  return { readable, writer: writable.getWriter() }
}

interface Events {
  /** Handles one event. For `ended` it resolves when the outcome is in the ledger. */
  apply(event: PushEvent): Promise<void>
  /** Returns true if there was no event: git's probe is not a push. */
  isProbe(): boolean
  isRecorded(): boolean
}

function takeEvents({ env, id, repository, send, waitUntil }: PushRequest): Events {
  const ledger = createPushLedger(env.LEDGER, id)
  let isProbe = true
  let isRecorded = false
  return {
    async apply(event) {
      isProbe = false
      if (event.event === 'commands-read') ledger.started(event.report)
      else if (event.event === 'step-begun') ledger.step(event)
      else if (event.event === 'checked')
        waitUntil(sendPermission(env, id, send).catch(error => logError({ push: id }, error)))
      else if (event.event === 'ended') {
        isRecorded = await ledger.ended(event.report)
        // At once, because the container's disk may be lost at any time.
        if (isRecorded && event.report.approval) waitUntil(keepHeldPack(env, { id, repository }))
      } else isRecorded = (await ledger.pullRequest(event)) && isRecorded
    },
    isProbe: () => isProbe,
    isRecorded: () => isRecorded,
  }
}

/** Tells the companion whether a checked push may be forwarded. */
async function sendPermission(env: Env, push: string, send: Send): Promise<void> {
  const answer = await askWithPass(env, send, await permissionPass(env, push))
  await answer.body?.cancel()
}

/**
 * Reads the response frame by frame, with backpressure from the client. Rejects if the response breaks off or
 * is idle for `silenceMs`.
 */
async function carry(
  answer: ReadableStream<Uint8Array>,
  silenceMs: number,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  events: Events,
  onBytes: () => void,
): Promise<void> {
  const frames = new FrameReader()
  const reader = answer.getReader()
  const handleFrame = async (frame: Frame) => {
    if (frame.type === 'event') await events.apply(frame.event)
    if (frame.type !== 'bytes') return
    onBytes()
    await writer.ready
    writer.write(frame.bytes).catch(() => {})
  }
  try {
    for (;;) {
      const read = await withTimeout(silenceMs, reader.read(), undefined)
      if (!read) throw new FrameError(`the companion said nothing for ${silenceMs / 1000} s`)
      if (read.done) break
      for (const frame of frames.push(read.value)) await handleFrame(frame)
    }
    if (frames.isPartial) throw new FrameError('the answer of the companion ended within a frame')
  } catch (error) {
    await reader.cancel(error).catch(() => {})
    throw error
  }
}
