import { unavailable } from '../common/git-responses.ts'
import { logFault } from '../common/log.ts'
import { settingsOf } from '../common/settings.ts'
import { within } from '../common/with-timeout.ts'
import { PASS_HEADER, ROUTES } from '../contract/pass.ts'
import type { PushEvent } from '../contract/push-event.ts'
import { type Frame, FrameError, FrameReader, PUSH_FRAMES } from '../contract/push-frames.ts'
import { deleteEmptyPush } from '../ledger/pushes/write-pushes.ts'
import type { Send } from './health.ts'
import { passFor } from './pass.ts'
import { permitPush } from './permission.ts'
import { createPushLedger } from './push-ledger.ts'
import { syncOutcome } from './sync-outcome.ts'

/** One push on its way through the Durable Object. */
export interface PushRequest {
  readonly env: Env
  readonly id: string
  readonly repository: string
  /** Asks the companion. */
  readonly send: Send
  /** Aborts when the client has gone. */
  readonly gone: AbortSignal
  /** Gives the companion up, and reads the rest of what the client sends: it does not see an answer before. */
  readonly giveUp: () => Promise<void>
  /** Keeps the Durable Object until this is done. */
  readonly waitUntil: (work: Promise<unknown>) => void
}

/** The client takes its answer slowly: no more of it is read than this, in bytes. */
const MAX_UNREAD_BYTES = 1 << 20

/** After its answer has broken off, the end of a push is waited for this long, in seconds; then the sweep asks. */
const SETTLE_SECONDS = 25

/**
 * Takes the companion's answer to a push apart: its events go into the ledger, its bytes to the client. The outcome is
 * on record before the client has the last of its answer. A push whose answer breaks off is settled by its journal.
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
  const first = Promise.withResolvers<'answered' | 'empty' | 'broken'>()
  const carried = carry(answer.body, silenceMs, writer, events, () => first.resolve('answered'))
    .then(async () => {
      first.resolve('empty')
      if (events.isEmpty())
        await deleteEmptyPush(push.env.LEDGER, push.id).catch(error => logFault({ push: push.id }, error))
      else if (!events.isRecorded()) settleLater()
      await writer.close()
    })
    .catch(async (error: unknown) => {
      if (!push.gone.aborted) logFault({ push: push.id }, error)
      if (!events.isRecorded()) settleLater()
      await push.giveUp()
      first.resolve('broken')
      await writer.abort(error).catch(() => {})
    })
  push.waitUntil(carried)
  if ((await first.promise) === 'broken') return unavailable('git-receive-pack')
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
  /** Acts on one event; the end of a push resolves when it is on record. */
  take(event: PushEvent): Promise<void>
  /** Nothing has happened: it was no push. */
  isEmpty(): boolean
  isRecorded(): boolean
}

function takeEvents({ env, id, send, waitUntil }: PushRequest): Events {
  const ledger = createPushLedger(env.LEDGER, id)
  let isEmpty = true
  let isRecorded = false
  return {
    async take(event) {
      isEmpty = false
      if (event.event === 'commands-read') ledger.begun(event.report)
      else if (event.event === 'step-begun') ledger.step(event)
      else if (event.event === 'checked')
        waitUntil(permit(env, id, send).catch(error => logFault({ push: id }, error)))
      else isRecorded = await ledger.ended(event.report)
    },
    isEmpty: () => isEmpty,
    isRecorded: () => isRecorded,
  }
}

/** Answers a checked push that asks whether it may be forwarded. */
async function permit(env: Env, push: string, send: Send): Promise<void> {
  const { method, path } = ROUTES['permit-push']
  const headers = { [PASS_HEADER]: await passFor(env, await permitPush(env, push)) }
  const answer = await send(path, { method, headers })
  await answer.body?.cancel()
}

/** Frame by frame, as far as the client takes the bytes. Rejects when the answer breaks off, or falls silent. */
async function carry(
  answer: ReadableStream<Uint8Array>,
  silenceMs: number,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  events: Events,
  onBytes: () => void,
): Promise<void> {
  const frames = new FrameReader()
  const reader = answer.getReader()
  const take = async (frame: Frame) => {
    if (frame.type === 'event') await events.take(frame.event)
    if (frame.type !== 'bytes') return
    onBytes()
    await writer.ready
    writer.write(frame.bytes).catch(() => {})
  }
  try {
    for (;;) {
      const read = await within(silenceMs, reader.read(), undefined)
      if (!read) throw new FrameError(`the companion said nothing for ${silenceMs / 1000} s`)
      if (read.done) break
      for (const frame of frames.push(read.value)) await take(frame)
    }
    if (frames.isPartial) throw new FrameError('the answer of the companion ended within a frame')
  } catch (error) {
    await reader.cancel(error).catch(() => {})
    throw error
  }
}
