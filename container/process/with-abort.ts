/** What `work` comes to, unless the signal aborts first: then it rejects with the signal's reason, and the work goes on. */
export async function withAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  // Once nobody waits for it any more, its failure is nobody's.
  work.catch(() => {})
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
