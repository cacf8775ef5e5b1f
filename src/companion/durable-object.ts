import { DurableObject } from 'cloudflare:workers'
import { drain } from '../common/drain.ts'
import { unavailable } from '../common/git-responses.ts'
import { logFault } from '../common/log.ts'
import { settingsOf } from '../common/settings.ts'
import { within } from '../common/with-timeout.ts'
import { PASS_HEADER, type Pass, readPass, type Upstream } from '../contract/pass.ts'
import { findUpstream } from '../ledger/access/repositories.ts'
import { containerEnvironment } from './container-environment.ts'
import {
  type ContainerCare,
  type ContainerHandle,
  type ContainerLife,
  createContainerLifecycle,
} from './container-lifecycle.ts'
import { drainableBody } from './drainable-body.ts'
import { fixedCompanion } from './fixed-url.ts'
import { hasSessions } from './has-sessions.ts'
import type { Readiness, Send } from './health.ts'
import { provideMirrorSeed, saveMirrorSeed } from './mirror-seed.ts'
import { answerPush } from './push-answer.ts'

/** The way to a companion: may it be asked with this pass, and asking it. */
interface CompanionConnection {
  ready(pass: Pass): Promise<Readiness>
  readonly send: Send
}

/** The key under which the fingerprint of the container's environment is kept. */
const STARTED_WITH = 'started-with'
/** The key under which the name of the container's repository is kept. */
const STARTED_FOR = 'started-for'

/**
 * One per repository, and the only way to its companion: its own container where there are containers, else the
 * companion at GATE_COMPANION_URL.
 */
export class Companion extends DurableObject<Env> {
  #way: CompanionConnection | undefined
  #life: ContainerLife | undefined
  #repository: Upstream | undefined
  #alarmAt = 0

  override async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    const read = await readPass(
      request.headers.get(PASS_HEADER) ?? '',
      settingsOf(this.env).GATE_PASS_KEY,
      Date.now() / 1000,
    )
    if (!read.ok) return new Response(`git-gate: ${read.why}\n`, { status: 403 })
    const { service } = read.pass
    // A container's disk goes with it: one that does not run knows nothing, and is not started to say so.
    const isAsleep = this.container()?.running === false
    if (isAsleep && service === 'push-report')
      return Response.json({ error: 'no such push' }, { status: 404 })
    if (isAsleep && service === 'status') return Response.json({ error: 'it does not run' }, { status: 404 })
    this.#way ??= this.#connect()
    const way = this.#way
    // Whoever watches does not use it: an unused container is stopped all the same.
    if (service === 'status')
      return way.send(pathname, { method: request.method, headers: request.headers, signal: request.signal })
    // Before the start, so that a container whose client did not wait for it is stopped too.
    await this.#scheduleIdleCheck()
    const readiness = await way.ready(read.pass)
    if (!readiness.ok) return respondNotReady(request, readiness)
    // The abort has to be passed on by hand: a signal of the incoming request ends with it.
    const gone = new AbortController()
    request.signal.addEventListener('abort', () => gone.abort(), { once: true })
    const headers = new Headers(request.headers)
    // On the way into a container the interim answer to this would be taken for the answer.
    headers.delete('expect')
    const { method } = request
    const sent = request.body && drainableBody(request.body, headers.get('content-length'))
    const body = sent?.body ?? null
    const send = () => way.send(pathname, { method, headers, body, redirect: 'manual', signal: gone.signal })
    // A client does not see an answer that comes before it has sent everything.
    const giveUp = async () => {
      gone.abort()
      await sent?.drain()
    }
    try {
      const answer = await this.#begun(read.pass, send(), sent?.passed)
      if (!answer) {
        await giveUp()
        return respondNotReady(request, NO_ANSWER)
      }
      return await this.#passOn(read.pass, answer, way, gone.signal, giveUp)
    } catch (error) {
      await sent?.drain()
      if (method !== 'GET' || gone.signal.aborted) throw error
      // It has died since it was last asked, and this is the first request to notice.
      const again = await way.ready(read.pass)
      return again.ok ? await send() : respondNotReady(request, again)
    }
  }

  /**
   * The answer as soon as it begins; undefined: the companion took the whole request and does not answer. A push is
   * answered before its body has come.
   */
  async #begun(
    { service }: Pass,
    answer: Promise<Response>,
    sent: Promise<void> = Promise.resolve(),
  ): Promise<Response | undefined> {
    const { GATE_COMPANION_SILENCE_SECONDS, GATE_COMPANION_ANSWER_SECONDS } = settingsOf(this.env)
    answer.catch(() => {})
    if (service === 'git-receive-pack')
      return within(GATE_COMPANION_SILENCE_SECONDS * 1000, answer, undefined)
    await Promise.race([answer, sent])
    return within(GATE_COMPANION_ANSWER_SECONDS * 1000, answer, undefined)
  }

  /** The answer for the client; that of a push is taken apart. */
  async #passOn(
    pass: Pass,
    answer: Response,
    { send }: CompanionConnection,
    gone: AbortSignal,
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
      gone,
      giveUp,
      waitUntil,
    })
  }

  /** Time to see whether the container is still used. */
  override async alarm(): Promise<void> {
    this.#alarmAt = 0
    this.#way ??= this.#connect()
    const again = await this.#life?.rest()
    if (again !== undefined) await this.ctx.storage.setAlarm(Date.now() + again)
  }

  /** Its container, where there are containers; a test has one of its own. */
  protected container(): ContainerHandle | undefined {
    return this.ctx.container
  }

  #connect(): CompanionConnection {
    const settings = settingsOf(this.env)
    const container = this.container()
    if (!container) {
      if (settings.GATE_COMPANION_URL === undefined)
        throw new Error('settings: GATE_COMPANION_URL: there is no container to start')
      return fixedCompanion(settings.GATE_COMPANION_URL)
    }
    const { kv } = this.ctx.storage
    const life = createContainerLifecycle(
      container,
      { read: () => kv.get<string>(STARTED_WITH), write: fingerprint => kv.put(STARTED_WITH, fingerprint) },
      this.#care(),
      {
        patienceMs: settings.GATE_START_SECONDS * 1000,
        idleMs: settings.GATE_CONTAINER_IDLE_SECONDS * 1000,
      },
    )
    this.#life = life
    return {
      ready: async pass => {
        if (!('repository' in pass)) return life.ready()
        this.#repository = pass.repository
        return life.ready(await containerEnvironment(this.env, pass.repository.identity))
      },
      send: life.send,
    }
  }

  /** A new container begins with what was kept of the last one's mirror. Without it everything comes from upstream. */
  #care(): ContainerCare {
    const { kv } = this.ctx.storage
    const failed = (error: unknown) => logFault({ at: 'mirror seed' }, error)
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

  /** Sets the alarm that stops an unused container; not with every request, as each costs a write. */
  async #scheduleIdleCheck(): Promise<void> {
    if (!this.#life) return
    const idleMs = settingsOf(this.env).GATE_CONTAINER_IDLE_SECONDS * 1000
    if (this.#alarmAt > Date.now() + 0.9 * idleMs) return
    this.#alarmAt = Date.now() + idleMs
    await this.ctx.storage.setAlarm(this.#alarmAt)
  }
}

const NO_ANSWER = {
  ok: false,
  why: "the gate's companion does not answer; fetch to see what upstream has, then try again",
  retryAfter: 5,
} as const

const REFUSABLE = { '/git-upload-pack': 'git-upload-pack', '/git-receive-pack': 'git-receive-pack' } as const

/** What the client still sends is read away first: it would not see an answer that comes before its end. */
async function respondNotReady(
  request: Request,
  { why, retryAfter }: Extract<Readiness, { ok: false }>,
): Promise<Response> {
  if (!request.bodyUsed) await drain(request.body)
  const { pathname } = new URL(request.url)
  const asked = pathname in REFUSABLE ? REFUSABLE[pathname as keyof typeof REFUSABLE] : 'info/refs'
  return unavailable(asked, why, retryAfter)
}
