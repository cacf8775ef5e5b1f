/**
 * The interval of the Worker's scheduled handler, in milliseconds. At Cloudflare the crons in wrangler.toml
 * apply.
 */
const SCHEDULE_MS = 5_000

/** Calls `tick` every SCHEDULE_MS, one call at a time. Disposal waits for the running call. */
export function startScheduler(tick: () => Promise<void>, log: (line: string) => void): AsyncDisposable {
  let running: Promise<void> | undefined
  const timer = setInterval(() => {
    running ??= tick()
      .catch(error =>
        log(`gate: the scheduled work failed: ${error instanceof Error ? error.message : error}`),
      )
      .finally(() => {
        running = undefined
      })
  }, SCHEDULE_MS)
  timer.unref()
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await running
    },
  }
}
