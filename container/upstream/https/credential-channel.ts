import type { Duplex } from 'node:stream'
import type { HostToken } from './credentials.ts'

/** Limit of what git writes about a credential, in characters. */
const MAX_ASKED = 64_000

/**
 * Answers git's credential helper (credential-helper.sh) on its socket: once, and only for the upstream's own
 * URL. Git asks before it sends or receives objects, so the processes that read objects find no answer left.
 * `refused` receives a token that the host has not accepted.
 */
export function answerCredential(
  socket: Duplex,
  url: string,
  { user, token }: HostToken,
  refused: (token: string) => void,
): void {
  let input = ''
  let isAnswered = false
  const handle = (operation: string, attributes: ReadonlyMap<string, string>) => {
    if (operation === 'erase' && attributes.get('password') === token) refused(token)
    if (operation !== 'get') return
    const isDue = !isAnswered && isFor(url, attributes)
    isAnswered ||= isDue
    socket.write(isDue ? `username=${user}\npassword=${token}\n\n` : 'quit=1\n\n')
  }
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    input += chunk.toString('utf8')
    if (input.length > MAX_ASKED) return void socket.destroy()
    for (let end = input.indexOf('\n\n'); end >= 0; end = input.indexOf('\n\n')) {
      const [operation = '', ...lines] = input.slice(0, end).split('\n')
      input = input.slice(end + 2)
      handle(operation, new Map(lines.map(splitAttribute)))
    }
  })
}

function splitAttribute(line: string): [string, string] {
  const index = line.indexOf('=')
  return [line.slice(0, index), line.slice(index + 1)]
}

/** Compares what git asks for (git-credential(1), "INPUT/OUTPUT FORMAT") with the upstream's URL. */
function isFor(url: string, attributes: ReadonlyMap<string, string>): boolean {
  const requestedUrl = URL.parse(`${attributes.get('protocol')}://${attributes.get('host')}/`)
  const { origin, pathname } = new URL(url)
  const path = decodeURIComponent(pathname).replace(/^\/+|\/+$/g, '')
  return requestedUrl?.origin === origin && attributes.get('path')?.replace(/\/+$/, '') === path
}
