const controller = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => controller.abort(new Error(`stopped by ${signal}`)))

/** Aborts at the first SIGINT, SIGTERM or SIGHUP; later ones change nothing, since Ctrl-C under npm sends two. */
export const stop: AbortSignal = controller.signal
