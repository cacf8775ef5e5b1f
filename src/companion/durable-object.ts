import { DurableObject } from 'cloudflare:workers'
import { drain } from '../common/drain.ts'
import { logError } from '../common/log.ts'
import { settingsOf } from '../common/settings.ts'
import { withTimeout } from '../common/with-timeout.ts'
import { PASS_HEADER, type Pass, readPass, type Upstream } from '../contract/companion-api/pass.ts'
import { findUpstream } from '../ledger/access/repositories.ts'
import { containerEnvironment } from './container-environment.ts'
import {
  type ContainerHandle,
  type ContainerHooks,
  type ContainerLifecycle,
  createContainerLifecycle,
} from './container-lifecycle.ts'
import { drainableBody } from './drainable-body.ts'
import { fixedCompanion, sendToFixed } from './fixed-url.ts'
import { hasSessions } from './has-sessions.ts'
import type { Readiness, Send } from './health.ts'
import { provideMirrorSeed, saveMirrorSeed } from './mirror-seed.ts'
import { NO_ANSWER, type NotReady, notReady } from './not-ready.ts'
import { answerPush } from './push/push-answer.ts'

/** Connection to a companion: its readiness for a pass, and sending requests to it. */
interface CompanionConnection {
  ready(pass: Pass): Promise<Readiness>
  readonly send: Send
}

/** Storage key of the fingerprint of the container's environment. */
const STARTED_WITH = 'started-with'
/** Storage key of the name of the container's repository. */
const STARTED_FOR = 'started-for'

/**
 * Durable Object of one repository, through which requests go to its companion. The companion runs in the object's own
 * container, or else at GATE_COMPANION_URL, where some services pass by the object (ask-companion.ts).
 */
export class Companion extends DurableObject<Env> {
  #connection: CompanionConnection | undefined
  #life: ContainerLifecycle | undefined
  #repository: Upstream | undefined
  #alarmAt = 0

  override async fetch(request: Request): Promise<Response> {
    const read = await readPass(
      request.headers.get(PASS_HEADER) ?? '',
      settingsOf(this.env).GATE_PASS_KEY,
      Date.now() / 1000,
    )
    if (!read.ok) return new Response(`git-gate: ${read.reason}\n`, { status: 403 })
    const { pass } = read
    const answer = this.#answerWhileStopped(pass)
    if (answer) return answer
    this.#connection ??= this.#connect()
    const connection = this.#connection
    // Status requests do not count as use, so an unused container is stopped although a console is open.
    if (pass.service === 'status') return sendStatusRequest(request, connection)
    // Set before the start, so that the container is stopped later even if the client does not wait for the
    // start.
    await this.#scheduleIdleCheck()
    const readiness = await connection.ready(pass)
    if (!readiness.ok) return respondNotReady(request, readiness)
    // The abort is forwarded by hand: the incoming request's signal is no longer valid once that request has
    // ended.
    const disconnect = new AbortController()
    request.signal.addEventListener('abort', () => disconnect.abort(), { once: true })
    try {
      return await this.#sendOnce(request, pass, connection, disconnect)
    } catch (error) {
      if (request.method !== 'GET' || disconnect.signal.aborted) throw error
      return this.#retryGet(request, pass, connection, disconnect)
    }
  }

  /**
   * Answers for a stopped container, which has no reports, no held pushes and no status: a container's disk is lost when
   * it stops. Returns undefined for a request that starts the container.
   */
  #answerWhileStopped({ service }: Pass): Response | undefined {
    if (this.container()?.running !== false) return undefined
    if (service === 'push-report' || service === 'held-push')
      return Response.json({ error: 'no such push' }, { status: 404 })
    if (service === 'status') return Response.json({ error: 'it does not run' }, { status: 404 })
    return undefined
  }

  /** Sends a request, and returns the response for the client. Rejects if the companion is lost. */
  async #sendOnce(
    request: Request,
    pass: Pass,
    connection: CompanionConnection,
    disconnect: AbortController,
  ): Promise<Response> {
    const { method } = request
    const headers = new Headers(request.headers)
    // The container's port would pass on the interim 100 response as if it were the final response.
    headers.delete('expect')
    const upload = request.body && drainableBody(request.body, headers.get('content-length'))
    const body = upload?.body ?? null
    const { signal } = disconnect
    // Git reads a response only after it has sent its request.
    const giveUp = async () => {
      // A companion that is lost ends the upload by itself. An abort in mid-upload would make the rest unreadable.
      await withTimeout(UPLOAD_END_MS, upload?.consumed ?? Promise.resolve(), undefined)
      disconnect.abort()
      await upload?.drain()
    }
    try {
      const { pathname } = new URL(request.url)
      const sent = connection.send(pathname, { method, headers, body, redirect: 'manual', signal })
      const answer = await this.#responseOf(pass, sent, upload?.consumed)
      if (answer) return await this.#clientResponse(pass, answer, connection, signal, giveUp)
      await giveUp()
      return respondNotReady(request, NO_ANSWER)
    } catch (error) {
      await upload?.drain()
      throw error
    }
  }

  /** Repeats a GET: the companion exited after its last request, and the GET was the first to notice. */
  async #retryGet(
    request: Request,
    pass: Pass,
    connection: CompanionConnection,
    disconnect: AbortController,
  ): Promise<Response> {
    const readiness = await connection.ready(pass)
    return readiness.ok
      ? this.#sendOnce(request, pass, connection, disconnect)
      : respondNotReady(request, readiness)
  }

  /**
   * Returns the companion's response when its headers arrive, or undefined on timeout. The timeout starts
   * when the request has been sent; for a push at once, because its response starts before its body has
   * arrived.
   */
  async #responseOf(
    { service }: Pass,
    answer: Promise<Response>,
    bodyConsumed: Promise<void> = Promise.resolve(),
  ): Promise<Response | undefined> {
    const { GATE_COMPANION_SILENCE_SECONDS, GATE_COMPANION_ANSWER_SECONDS } = settingsOf(this.env)
    answer.catch(() => {})
    if (service === 'git-receive-pack')
      return withTimeout(GATE_COMPANION_SILENCE_SECONDS * 1000, answer, undefined)
    await Promise.race([answer, bodyConsumed])
    return withTimeout(GATE_COMPANION_ANSWER_SECONDS * 1000, answer, undefined)
  }

  /** Returns the response for the client. The response to a push is split into events and bytes. */
  async #clientResponse(
    pass: Pass,
    answer: Response,
    { send }: CompanionConnection,
    disconnected: AbortSignal,
    giveUp: () => Promise<void>,
  ): Promise<Response> {
    if (pass.service !== 'git-receive-pack') return answer
    const { id, repository } = pass
    const waitUntil = (work: Promise<unknown>) => this.ctx.waitUntil(work)
    return answerPush(answer, {
      env: this.env,
      id,
      repository: repository.name,
      send,
      disconnected,
      giveUp,
      waitUntil,
    })
  }

  /** Checks whether the container is still used. */
  override async alarm(): Promise<void> {
    this.#alarmAt = 0
    this.#connection ??= this.#connect()
    const again = await this.#life?.stopIfIdle()
    if (again !== undefined) await this.ctx.storage.setAlarm(Date.now() + again)
  }

  /** Returns the object's container, if the deployment has containers. Tests override it. */
  protected container(): ContainerHandle | undefined {
    return this.ctx.container
  }

  #connect(): CompanionConnection {
    const settings = settingsOf(this.env)
    const container = this.container()
    if (!container) {
      const send = sendToFixed(this.env)
      if (!send) throw new Error('settings: GATE_COMPANION_URL: there is no container to start')
      return fixedCompanion(send)
    }
    const { kv } = this.ctx.storage
    const life = createContainerLifecycle(
      container,
      { read: () => kv.get<string>(STARTED_WITH), write: fingerprint => kv.put(STARTED_WITH, fingerprint) },
      this.#containerHooks(),
      {
        startTimeoutMs: settings.GATE_START_SECONDS * 1000,
        idleMs: settings.GATE_CONTAINER_IDLE_SECONDS * 1000,
      },
    )
    this.#life = life
    return {
      ready: async pass => {
        if (!('repository' in pass)) return life.ready()
        this.#repository = pass.repository
        return life.ready(await containerEnvironment(this.env, pass.repository))
      },
      send: life.send,
    }
  }

  /**
   * Provides a new container with the seed saved from the previous one. Without a seed the whole mirror comes
   * from upstream.
   */
  #containerHooks(): ContainerHooks {
    const { kv } = this.ctx.storage
    const failed = (error: unknown) => logError({ at: 'mirror seed' }, error)
    return {
      isUsed: send => hasSessions(this.env, send),
      begin: send => {
        if (!this.#repository || !this.env.MIRROR_SEEDS) return
        kv.put(STARTED_FOR, this.#repository.name)
        this.ctx.waitUntil(provideMirrorSeed(this.env, this.#repository, send).catch(failed))
      },
      end: async send => {
        const name = kv.get<string>(STARTED_FOR)
        const upstream = name === undefined ? undefined : await findUpstream(this.env.LEDGER, name)
        if (upstream) await saveMirrorSeed(this.env, upstream, send).catch(failed)
      },
    }
  }

  /**
   * Sets the alarm that stops an unused container. It is not set for every request, because each call is a
   * storage write.
   */
  async #scheduleIdleCheck(): Promise<void> {
    if (!this.#life) return
    const idleMs = settingsOf(this.env).GATE_CONTAINER_IDLE_SECONDS * 1000
    if (this.#alarmAt > Date.now() + 0.9 * idleMs) return
    this.#alarmAt = Date.now() + idleMs
    await this.ctx.storage.setAlarm(this.#alarmAt)
  }
}

/** Time for the upload to a lost companion to end by itself, in milliseconds. */
const UPLOAD_END_MS = 2_000

const sendStatusRequest = ({ url, method, headers, signal }: Request, { send }: CompanionConnection) =>
  send(new URL(url).pathname, { method, headers, signal })

/**
 * Responds that the companion is not ready. The request is drained first: git reads a response only after it
 * has sent its request.
 */
async function respondNotReady(request: Request, readiness: NotReady): Promise<Response> {
  if (!request.bodyUsed) await drain(request.body)
  return notReady(new URL(request.url).pathname, readiness)
}
