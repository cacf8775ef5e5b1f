import type { IncomingMessage, ServerResponse } from 'node:http'

/** Words for whoever reads them: an agent's git prints them. */
export function text(response: ServerResponse, status: number, line: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' })
  response.end(`git-gate: ${line}\n`)
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

/** All of a request's body; undefined where it is longer than `most` characters. */
export async function bodyText(request: IncomingMessage, most: number): Promise<string | undefined> {
  let text = ''
  // A character may come in two pieces.
  request.setEncoding('utf8')
  for await (const chunk of request) {
    text += String(chunk)
    if (text.length > most) return undefined
  }
  return text
}
