import type { IncomingMessage, ServerResponse } from 'node:http'

/** Sends a line of plain text, which the agent's git prints. */
export function text(response: ServerResponse, status: number, line: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' })
  response.end(`git-gate: ${line}\n`)
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

/** Returns the whole body of a request, or undefined when it is longer than `maxCharacters` characters. */
export async function bodyText(request: IncomingMessage, maxCharacters: number): Promise<string | undefined> {
  let text = ''
  // setEncoding joins a character that is split between two chunks.
  request.setEncoding('utf8')
  for await (const chunk of request) {
    text += String(chunk)
    if (text.length > maxCharacters) return undefined
  }
  return text
}
