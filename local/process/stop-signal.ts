const controller = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => controller.abort(new Error(`stopped by ${signal}`)))

/**
 * Aborts at the first SIGINT, SIGTERM or SIGHUP; later ones change nothing, since Ctrl-C under npm sends two.
 * npm passes a signal to the shell that it runs a script with: `exec` in package.json makes that shell this process.
 */
export const stop: AbortSignal = controller.signal
