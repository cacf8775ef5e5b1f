import { lfsError } from './respond.ts'

/** Returns the companion's error for the client, or the error of a companion that does not answer. */
export function relayResponse(answer: Response | undefined): Response {
  if (!answer) return lfsError(503, 'the gate cannot reach its companion; try again in a few seconds')
  const headers = new Headers({ 'cache-control': 'no-store' })
  for (const name of ['content-type', 'content-length', 'retry-after']) {
    const value = answer.headers.get(name)
    if (value !== null) headers.set(name, value)
  }
  return new Response(answer.body, { status: answer.status, headers })
}
