import { DurableObject } from 'cloudflare:workers'
import { settingsOf } from '../settings.ts'

/**
 * One per repository, and the only way to its companion: its own container where there are containers, else the
 * companion at GATE_COMPANION_URL.
 */
export class Companion extends DurableObject<Env> {
  override async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    // The abort has to be passed on by hand: a signal of the incoming request ends with it.
    const gone = new AbortController()
    request.signal.addEventListener('abort', () => gone.abort(), { once: true })
    const send = this.#way()
    return send(pathname, {
      method: request.method,
      headers: request.headers,
      body: request.body,
      redirect: 'manual',
      signal: gone.signal,
    })
  }

  #way(): (path: string, init: RequestInit) => Promise<Response> {
    const { GATE_COMPANION_URL: url } = settingsOf(this.env)
    if (url === undefined) throw new Error('settings: GATE_COMPANION_URL: there is no container to start')
    return (path, init) => fetch(new URL(path, url), init)
  }
}
