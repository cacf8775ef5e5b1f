/** How often the Worker's scheduled handler runs here, in milliseconds; at Cloudflare wrangler.toml's crons decide. */
const TICK_MS = 5_000

/** Calls `tick` again and again, never two at once; disposing waits for the one that runs. */
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
