// Server-sent events over fetch, since an EventSource sends no header.

/**
 * Calls `on` with each event of the stream at an address; settles when the stream ends.
 * @param {URL} url
 * @param {{ headers: Record<string, string>, signal: AbortSignal, opened: () => void, on: (event: string, data: string) => void }} options
 */
export async function readEvents(url, { headers, signal, opened, on }) {
  const response = await fetch(url, { headers: { ...headers, accept: 'text/event-stream' }, signal })
  if (!response.ok || !response.body || response.redirected) throw new Error(`answered ${response.status}`)
  opened()
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const blocks = (rest + value).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const lines = block.split('\n')
      const fieldOf = (/** @type {string} */ name) =>
        lines
          .filter(line => line.startsWith(`${name}:`))
          .map(line => line.slice(name.length + 1).replace(/^ /, ''))
          .join('\n')
      const event = fieldOf('event')
      if (event) on(event, fieldOf('data'))
    }
  }
}
