import { randomBytes } from 'node:crypto'
import { seconds, until } from '../../harness/index.ts'
import { type Answer, type LfsObject, type LfsScene, objectOf } from '../fixtures/lfs-scene.ts'
import type { Row } from './report-file.ts'

/** The upload of an object with a fault, at its end. */
interface LfsUpload {
  readonly bytes: Buffer
  /** When the fault began, in Unix milliseconds. */
  readonly since: number
  /** The response that the client has read; undefined: the client has disconnected. */
  readonly answer: Answer | undefined
}

/** The parts of a scene that the faults of every upstream need. */
export type AnyScene = Omit<LfsScene, 'server'> & { readonly server: { has(oid: string): boolean } }

/** A fault during the upload of an object. */
export interface LfsFault<S = LfsScene> {
  readonly words: string
  /** Causes it, and resolves when it has ended. */
  run(scene: S): Promise<LfsUpload>
}

/** The state after a fault of an upload. */
export interface LfsAftermath {
  readonly answer: Answer | undefined
  /** The seconds until no session, process or temporary file of the upload was left. */
  readonly gone: number
  /** The files and processes that stayed; empty: none. */
  readonly left: string
  readonly hasUpstream: boolean
  /** The last outcome in the ledger, with its reason. */
  readonly record: { readonly outcome: string; readonly reason: string } | undefined
  /** The answer to the next upload of the object. */
  readonly next: Answer
}

const WATCH_MS = seconds(75)

/** Returns the row of a fault in docs/faults.md. */
export function toAftermath({ answer, gone, left, hasUpstream, record, next }: LfsAftermath): Row {
  const said = answer && [answer.status, answer.message.split('\n')[0]].filter(Boolean).join(': ')
  return {
    gone,
    left,
    client: said ? said.slice(0, 160) : 'nothing',
    upstream: hasUpstream ? 'has it' : 'nothing',
    outcome: record ? record.outcome : 'no row',
    next: next.status === 200 ? 'accepted' : `FAILED: ${next.message}`,
  }
}

/** Runs an upload with a fault and measures the result. */
export async function runLfsFault<S extends AnyScene>(scene: S, fault: LfsFault<S>): Promise<LfsAftermath> {
  const { gate, server } = scene
  const { bytes, since, answer } = await fault.run(scene)
  const { oid } = objectOf(bytes)
  const left = await gate.idle({ within: WATCH_MS }).then(
    () => '',
    (error: Error) => error.message,
  )
  const gone = (Date.now() - since) / 1000
  // The row is written before the answer.
  const record = answer
    ? await lastTransfer(scene, oid)
    : await until(
        () => lastTransfer(scene, oid),
        WATCH_MS,
        () => 'the ledger has no row of the upload',
      )
  const hasUpstream = server.has(oid)
  const next = await scene.upload(bytes)
  if (!server.has(oid)) throw new Error(`upstream does not have the object after its next upload`)
  return { answer, gone, left, hasUpstream, record, next }
}

async function lastTransfer({ gate }: Pick<LfsScene, 'gate'>, oid: string) {
  const { transfers } = (await gate.admin.request('GET', `/lfs-transfers?oid=${oid}`)) as {
    transfers: { outcome: string; reason: string; operation: string }[]
  }
  return transfers.find(({ operation }) => operation === 'upload')
}

/** Half the bytes of an object. */
export const HALF = 250_000
const fresh = () => randomBytes(2 * HALF)

export const inMidObject = (words: string, { isLeaving }: { isLeaving: boolean }): LfsFault<AnyScene> => ({
  words: `${words}, mid-object`,
  async run(scene) {
    const bytes = fresh()
    const upload = scene.begin(objectOf(bytes), bytes.length)
    await upload.send(bytes.subarray(0, HALF))
    await scene.untilBusy()
    const since = Date.now()
    if (isLeaving) upload.vanish()
    const answer = await upload.answer
    return { bytes, since, answer: isLeaving ? undefined : answer }
  },
})

/** The client leaves when the gate has the whole object. `release` ends what holds the upload. */
const whileHeld = (
  words: string,
  hold: (scene: LfsScene) => Promise<{ reached(): Promise<unknown>; release(): void }>,
): LfsFault => ({
  words,
  async run(scene) {
    const bytes = fresh()
    const held = await hold(scene)
    const upload = scene.begin(objectOf(bytes), bytes.length)
    await upload.send(bytes)
    await held.reached()
    upload.vanish()
    await upload.answer
    held.release()
    return { bytes, since: Date.now(), answer: undefined }
  },
})

/** The client sends these bytes as this object; the gate or upstream is at fault, or the client. */
export const sent = <S = LfsScene>(
  words: string,
  send: (scene: S, bytes: Buffer, object: LfsObject) => Promise<Answer>,
): LfsFault<S> => ({
  words,
  async run(scene) {
    const bytes = fresh()
    const since = Date.now()
    return { bytes, since, answer: await send(scene, bytes, objectOf(bytes)) }
  },
})

const upstreamIs = (words: string, faults: Partial<LfsScene['server']['faults']>): LfsFault =>
  sent(words, async ({ server, upload }, bytes) => {
    Object.assign(server.faults, faults)
    const answer = await upload(bytes)
    for (const fault of Object.keys(faults)) Object.assign(server.faults, { [fault]: undefined })
    return answer
  })

export const UPLOADS: readonly LfsFault[] = [
  inMidObject('client killed', { isLeaving: true }),
  inMidObject('client stopped', { isLeaving: false }),
  whileHeld('client killed, during the scan', async ({ gitleaks }) => {
    gitleaks.be('waits')
    return { reached: gitleaks.started, release: () => gitleaks.be('real') }
  }),
  whileHeld('client killed, during the forward', async ({ server }) => {
    const answered = Promise.withResolvers<void>()
    server.faults.holdUploads = answered.promise
    return {
      reached: () =>
        until(
          () => (server.requests.at(-1)?.startsWith('PUT') ? true : undefined),
          WATCH_MS,
          () => 'the forward does not begin',
        ),
      release() {
        answered.resolve()
        server.faults.holdUploads = undefined
      },
    }
  }),
  sent('wrong bytes (SHA-256)', ({ upload }, bytes, object) =>
    upload(Buffer.from(bytes).fill(1, 9, 10), object),
  ),
  sent('wrong size', ({ upload }, bytes, object) => upload(bytes, { ...object, size: object.size - 1 })),
  sent('object that grows', ({ begin }, bytes, object) => {
    const upload = begin(object)
    return upload.send(Buffer.concat([bytes, bytes])).then(() => upload.answer)
  }),
  sent('object that is cut', ({ begin }, bytes, object) => {
    const upload = begin(object)
    return upload.send(bytes.subarray(0, HALF)).then(() => upload.answer)
  }),
  sent('two uploads of one object at once', async ({ upload, server }, bytes) => {
    const from = server.requests.length
    const [first, second] = await Promise.all([upload(bytes), upload(bytes)])
    const forwards = server.requests.slice(from).filter(line => line.startsWith('PUT')).length
    if (second.status !== first.status || forwards !== 1)
      throw new Error(`${forwards} forwards of one object`)
    return first
  }),
  sent('gitleaks is killed', async ({ gitleaks, upload }, bytes) => {
    gitleaks.be('killed')
    const answer = await upload(bytes)
    gitleaks.be('real')
    return answer
  }),
  sent('upstream’s LFS server is gone', async ({ server, upload }, bytes) => {
    const back = await server.faults.leave()
    const answer = await upload(bytes)
    await back()
    return answer
  }),
  upstreamIs('upstream’s LFS server ends, mid-object', { breakUploads: true }),
  upstreamIs('upstream’s LFS server never answers', { holdUploads: new Promise(() => {}) }),
  upstreamIs('upstream’s LFS server refuses the object', {
    refuseUploads: { status: 422, message: 'the quota is used up' },
  }),
  sent('upstream’s addresses have expired', async ({ batch, server, upload }, bytes, object) => {
    await batch('upload', [object])
    server.faults.expireHrefs()
    return upload(bytes)
  }),
  sent('upstream’s token has expired', async ({ server, upload }, bytes) => {
    server.faults.expireTokens()
    return upload(bytes)
  }),
]
