/**
 * Resolves or rejects with `work`, or rejects with the signal's reason when it aborts first. The work goes
 * on.
 */
export async function withAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  // Ignore rejections after the caller stops waiting.
  work.catch(() => {})
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

/** Resolves when the signal aborts. */
export const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
