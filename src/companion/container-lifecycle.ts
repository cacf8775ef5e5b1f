import { within } from '../common/with-timeout.ts'
import { CONTAINER_PORT, type ContainerEnvironment } from './container-environment.ts'
import { askHealth, checkProtocol, type Readiness, type Send } from './health.ts'

/** The part of `ctx.container` that the gate uses. */
export interface ContainerHandle {
  readonly running: boolean
  start(options: { enableInternet: boolean; env: Record<string, string> }): void
  monitor(): Promise<void>
  destroy(): Promise<void>
  signal(signal: number): void
  getTcpPort(port: number): { fetch(url: string, init: RequestInit): Promise<Response> }
  setInactivityTimeout(ms: number): Promise<void>
}

/** What outlives the Durable Object: the fingerprint of the environment its container was started with. */
export interface ContainerMemory {
  read(): string | undefined
  write(fingerprint: string): void
}

/** What is done for a container in the turns of its life. */
export interface ContainerCare {
  /** It has just started, and answers. */
  begin(send: Send): void
  /** Does a session go on in it? */
  isUsed(send: Send): Promise<boolean>
  /** It is about to be stopped, as nobody uses it. */
  end(send: Send): Promise<void>
}

export interface ContainerLimits {
  /** A request waits this long for a start, in milliseconds; the start itself goes on. */
  readonly patienceMs: number
  /** A container that nobody asks for this long is stopped, in milliseconds. */
  readonly idleMs: number
}

/** The life of one repository's container. */
export interface ContainerLife {
  /**
   * Resolves when the container may be asked, or with the reason why not now. It is started unless it runs, and
   * again when it was started with another environment; without one, what runs is taken and nothing is started.
   */
  ready(environment?: ContainerEnvironment): Promise<Readiness>
  readonly send: Send
  /** Stops a container that is not used; otherwise answers after how many milliseconds to look again. */
  rest(): Promise<number | undefined>
}

/** A start that has not come up by then never will, in milliseconds. */
const START_MS = 60_000
/** After SIGTERM the companion ends its sessions; Cloudflare's own stops allow as long, in milliseconds. */
const STOP_MS = 15 * 60_000
/** The pause after a failed start, in milliseconds; it doubles with each one in a row. */
const PAUSE_MS = 1_000
const MAX_PAUSE_MS = 30_000
/** A container of another protocol is not started again before, in milliseconds: its image has to change first. */
const UPGRADE_MS = 15_000

const SIGTERM = 15
const NOT_STARTED = "the gate's companion for this repository could not be started; nothing was changed"

export function createContainerLifecycle(
  container: ContainerHandle,
  memory: ContainerMemory,
  care: ContainerCare,
  { patienceMs, idleMs }: ContainerLimits,
): ContainerLife {
  /** The fingerprint of the container that has been seen to answer; undefined: look at it before use. */
  let answering: string | undefined
  /** The one look, start or restart that is going on, for all who wait. */
  let starting: Promise<Readiness> | undefined
  let stopping: Promise<void> | undefined
  let ended: Promise<void> | undefined
  let failures = 0
  let retryAt = 0
  let usedAt = 0

  const ask: Send = (path, init) =>
    container.getTcpPort(CONTAINER_PORT).fetch(`http://companion${path}`, init)

  /** Resolves when the container has ended, however it did. */
  const end = () => {
    ended ??= container
      .monitor()
      .catch((error: unknown) => log('the companion failed', error))
      .then(() => {
        answering = undefined
        ended = undefined
      })
    return ended
  }

  /** SIGTERM lets its sessions end; nobody new is sent there meanwhile. */
  const stop = () => {
    answering = undefined
    stopping ??= (async () => {
      const gone = end()
      container.signal(SIGTERM)
      if ((await within(STOP_MS, gone, 'late')) !== 'late') return
      log('the companion did not stop and is killed')
      await container.destroy()
      await gone
    })().finally(() => {
      stopping = undefined
    })
    return stopping
  }

  const failed = (why: string, error?: unknown): Readiness => {
    const pause = Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** failures)
    failures += 1
    retryAt = Date.now() + pause
    log(why, error)
    return notStarted(pause)
  }

  /**
   * Polls a running container until it answers, as the runtime tells nobody when it listens. Undefined: it has
   * ended instead.
   */
  const waitUntilHealthy = async (fingerprint: string): Promise<Readiness | undefined> => {
    const gone = end()
    const deadline = Date.now() + START_MS
    for (let pause = 50; ; pause = Math.min(500, pause * 1.5)) {
      const health = await askHealth(ask).catch(() => undefined)
      if (health) {
        const agreed = checkProtocol(health)
        if (!agreed.ok) {
          log(agreed.why)
          retryAt = Date.now() + UPGRADE_MS
          stop().catch(error => log('the companion could not be stopped', error))
          return agreed
        }
        failures = 0
        answering = fingerprint
        return agreed
      }
      if ((await within(pause, gone, 'late')) !== 'late') return undefined
      if (Date.now() < deadline) continue
      await container.destroy()
      await gone
      return failed(`the companion did not answer within ${START_MS / 1000} s and was killed`)
    }
  }

  const start = async (environment: ContainerEnvironment | undefined): Promise<Readiness> => {
    await stopping
    if (container.running) {
      const fingerprint = memory.read() ?? ''
      const isWanted = environment === undefined || environment.fingerprint === fingerprint
      const readiness = isWanted ? await waitUntilHealthy(fingerprint) : await stop()
      if (readiness) return readiness
    }
    const pause = retryAt - Date.now()
    if (environment === undefined || pause > 0) return notStarted(pause)
    memory.write(environment.fingerprint)
    container.start({ enableInternet: true, env: { ...environment.variables } })
    // The runtime's own watch only counts when this object is gone, and with it the alarm that stops the container.
    container.setInactivityTimeout(2 * idleMs).catch(error => log('no inactivity time-out', error))
    const readiness = await waitUntilHealthy(environment.fingerprint)
    if (readiness?.ok) care.begin(ask)
    return readiness ?? failed('the companion ended as it started')
  }

  return {
    async ready(environment) {
      usedAt = Date.now()
      const deadline = usedAt + patienceMs
      // One that stops still tells what became of its pushes.
      if (!environment && stopping && container.running) return { ok: true }
      while (answering === undefined || (environment && answering !== environment.fingerprint)) {
        starting ??= start(environment)
          .catch(error => failed('the companion could not be started', error))
          .finally(() => {
            starting = undefined
          })
        const readiness = await within(deadline - Date.now(), starting, STARTING)
        if (!readiness.ok) return readiness
      }
      usedAt = Date.now()
      return { ok: true }
    },
    async send(path, init) {
      try {
        return await ask(path, init)
      } catch (error) {
        // Whether it was the container or the client that went: the next one looks.
        answering = undefined
        throw error
      }
    },
    async rest() {
      if (!container.running || stopping) return undefined
      if (starting) return idleMs
      const isUsed = await care.isUsed(ask).catch(() => false)
      const unused = () => Date.now() - usedAt
      if (unused() < idleMs) return idleMs - unused()
      if (isUsed) return idleMs
      await care.end(ask)
      if (unused() < idleMs) return idleMs - unused()
      stop().catch(error => log('the companion could not be stopped', error))
      return undefined
    },
  }
}

const STARTING: Readiness = {
  ok: false,
  why: "the gate's companion for this repository is starting; try again in a few seconds",
  retryAfter: 5,
}

const notStarted = (pauseMs: number): Readiness => {
  const retryAfter = Math.max(1, Math.ceil(pauseMs / 1000))
  return { ok: false, why: `${NOT_STARTED}; try again in ${retryAfter} s`, retryAfter }
}

function log(message: string, error?: unknown): void {
  const cause = error === undefined ? undefined : error instanceof Error ? error.message : String(error)
  console.error(JSON.stringify({ level: 'error', message, cause }))
}
