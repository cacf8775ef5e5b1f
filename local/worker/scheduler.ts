/**
 * The interval of the Worker's scheduled handler, in milliseconds. At Cloudflare the crons in wrangler.toml
 * apply.
 */
const TICK_MS = 5_000

/** Calls `tick` every TICK_MS, one call at a time. Disposal waits for the running call. */
export function startTicking(tick: () => Promise<void>, say: (line: string) => void): AsyncDisposable {
  let running: Promise<void> | undefined
  const timer = setInterval(() => {
    running ??= tick()
      .catch(error =>
        say(`gate: the scheduled work failed: ${error instanceof Error ? error.message : error}`),
      )
      .finally(() => {
        running = undefined
      })
  }, TICK_MS)
  timer.unref()
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await running
    },
  }
}
