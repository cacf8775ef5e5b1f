import { withTimeout } from '../common/with-timeout.ts'
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

/** Durable storage of the fingerprint of the environment with which the container was started. */
export interface ContainerMemory {
  read(): string | undefined
  write(fingerprint: string): void
}

/** Callbacks for the events of a container's life. */
export interface ContainerHooks {
  /** Called when a started container answers for the first time. */
  begin(send: Send): void
  /** Resolves with true while the container has a session. */
  isUsed(send: Send): Promise<boolean>
  /** Called before an unused container is stopped. */
  end(send: Send): Promise<void>
}

export interface ContainerLimits {
  /** Timeout of a request that waits for a start, in milliseconds. The start itself continues. */
  readonly startTimeoutMs: number
  /** Time without requests after which a container is stopped, in milliseconds. */
  readonly idleMs: number
}

/** Starts and stops one repository's container. */
export interface ContainerLifecycle {
  /**
   * Resolves when the container is ready for requests, or with the reason why it is not. Starts a container
   * that does not run, and restarts a container that has another environment. Without `environment` a running
   * container is used as it is, and a stopped container is not started.
   */
  ready(environment?: ContainerEnvironment): Promise<Readiness>
  readonly send: Send
  /** Stops the container if it is unused. Otherwise returns the milliseconds until the next check. */
  stopIfIdle(): Promise<number | undefined>
}

/** Timeout of a request for `/health`, in milliseconds. A container that starts is asked again. */
const HEALTH_MS = 2_000
/** Timeout of a start, in milliseconds. Then the container is killed. */
const START_MS = 60_000
/**
 * Timeout of a stop, in milliseconds. After SIGTERM the companion finishes its sessions. Cloudflare allows
 * the same time when it stops a container.
 */
const STOP_TIMEOUT_MS = 15 * 60_000
/**
 * Pause after a failed start, in milliseconds. It doubles with each consecutive failure, up to MAX_PAUSE_MS.
 */
const PAUSE_MS = 1_000
const MAX_PAUSE_MS = 30_000
/**
 * Pause before a container with another protocol version is started again, in milliseconds: its image has to
 * be updated first.
 */
const UPGRADE_MS = 15_000

const SIGTERM = 15
const NOT_STARTED = "the gate's companion for this repository could not be started; nothing was changed"

export function createContainerLifecycle(
  container: ContainerHandle,
  memory: ContainerMemory,
  hooks: ContainerHooks,
  { startTimeoutMs, idleMs }: ContainerLimits,
): ContainerLifecycle {
  /**
   * Fingerprint of the container that last answered; undefined if its health has to be checked before the
   * next request.
   */
  let answering: string | undefined
  /** The health check, start or restart that is running. All waiting requests share it. */
  let starting: Promise<Readiness> | undefined
  let stopping: Promise<void> | undefined
  let ended: Promise<void> | undefined
  let failures = 0
  let retryAt = 0
  let usedAt = 0

  const sendNow: Send = (path, init) =>
    container.getTcpPort(CONTAINER_PORT).fetch(`http://companion${path}`, init)

  /** Resolves when the container has exited, whether or not it failed. */
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

  /** Sends SIGTERM, which lets sessions finish. Meanwhile the container gets no new sessions. */
  const stop = () => {
    answering = undefined
    stopping ??= (async () => {
      const exited = end()
      container.signal(SIGTERM)
      if ((await withTimeout(STOP_TIMEOUT_MS, exited, 'late')) !== 'late') return
      log('the companion did not stop and is killed')
      await container.destroy()
      await exited
    })().finally(() => {
      stopping = undefined
    })
    return stopping
  }

  const failed = (reason: string, error?: unknown): Readiness => {
    const pause = Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** failures)
    failures += 1
    retryAt = Date.now() + pause
    log(reason, error)
    return notStarted(pause)
  }

  /**
   * Polls a running container until it answers: the runtime does not report when a port is open. Resolves
   * with undefined if the container exits instead.
   */
  const waitUntilHealthy = async (fingerprint: string): Promise<Readiness | undefined> => {
    const exited = end()
    const deadline = Date.now() + START_MS
    for (let pause = 50; ; pause = Math.min(500, pause * 1.5)) {
      const health = await askHealth(sendNow, HEALTH_MS).catch(() => undefined)
      if (health) {
        const agreed = checkProtocol(health)
        if (!agreed.ok) {
          log(agreed.reason)
          retryAt = Date.now() + UPGRADE_MS
          stop().catch(error => log('the companion could not be stopped', error))
          return agreed
        }
        failures = 0
        answering = fingerprint
        return agreed
      }
      if ((await withTimeout(pause, exited, 'late')) !== 'late') return undefined
      if (Date.now() < deadline) continue
      await container.destroy()
      await exited
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
    // The runtime's inactivity timeout is needed only if this Durable Object is gone, and with it the alarm
    // that stops the container.
    container.setInactivityTimeout(2 * idleMs).catch(error => log('no inactivity time-out', error))
    const readiness = await waitUntilHealthy(environment.fingerprint)
    if (readiness?.ok) hooks.begin(sendNow)
    return readiness ?? failed('the companion ended as it started')
  }

  return {
    async ready(environment) {
      usedAt = Date.now()
      const deadline = usedAt + startTimeoutMs
      // A container that is stopping still reports the outcomes of its pushes.
      if (!environment && stopping && container.running) return { ok: true }
      while (answering === undefined || (environment && answering !== environment.fingerprint)) {
        starting ??= start(environment)
          .catch(error => failed('the companion could not be started', error))
          .finally(() => {
            starting = undefined
          })
        const readiness = await withTimeout(deadline - Date.now(), starting, STARTING)
        if (!readiness.ok) return readiness
      }
      usedAt = Date.now()
      return { ok: true }
    },
    async send(path, init) {
      try {
        return await sendNow(path, init)
      } catch (error) {
        // The failure can be the container's or the client's, so the next request checks the container's
        // health.
        answering = undefined
        throw error
      }
    },
    async stopIfIdle() {
      if (!container.running || stopping) return undefined
      if (starting) return idleMs
      const isUsed = await hooks.isUsed(sendNow).catch(() => false)
      const unused = () => Date.now() - usedAt
      if (unused() < idleMs) return idleMs - unused()
      if (isUsed) return idleMs
      await hooks.end(sendNow)
      if (unused() < idleMs) return idleMs - unused()
      stop().catch(error => log('the companion could not be stopped', error))
      return undefined
    },
  }
}

const STARTING: Readiness = {
  ok: false,
  reason: "the gate's companion for this repository is starting; try again in a few seconds",
  retryAfter: 5,
}

const notStarted = (pauseMs: number): Readiness => {
  const retryAfter = Math.max(1, Math.ceil(pauseMs / 1000))
  return { ok: false, reason: `${NOT_STARTED}; try again in ${retryAfter} s`, retryAfter }
}

function log(message: string, error?: unknown): void {
  const cause = error === undefined ? undefined : error instanceof Error ? error.message : String(error)
  console.error(JSON.stringify({ level: 'error', message, cause }))
}
