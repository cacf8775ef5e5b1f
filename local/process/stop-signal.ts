const controller = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => controller.abort(new Error(`stopped by ${signal}`)))

/**
 * Aborts at the first SIGINT, SIGTERM or SIGHUP. Later signals change nothing, since Ctrl-C under npm sends
 * two.
 *
 * npm sends a signal to the shell of its script: `exec` in package.json replaces that shell with this
 * process.
 */
export const stop: AbortSignal = controller.signal
