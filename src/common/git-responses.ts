/** Returns a pkt-line of this text (gitprotocol-common(5)). */
export function pktLine(text: string): string {
  const length = new TextEncoder().encode(text).length + 4
  return length.toString(16).padStart(4, '0') + text
}

/** Returns a plain-text response. git prints it as `remote: …` when it answers info/refs. */
export function textResponse(
  status: number,
  lines: readonly string[],
  headers: Record<string, string> = {},
): Response {
  return new Response(lines.map(line => `git-gate: ${line}\n`).join(''), {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', ...headers },
  })
}

/**
 * Returns a response that fails the whole push: `reason` as progress on sideband 2, and as the unpack status of
 * the report on sideband 1 (gitprotocol-pack(5), "Report Status").
 */
export function refusedPush(reason: string, headers: Record<string, string> = {}): Response {
  const report = `${pktLine(`unpack git-gate: ${reason}\n`)}0000`
  return new Response(`${pktLine(`\x02git-gate: ${reason}\n`)}${pktLine(`\x01${report}`)}0000`, {
    headers: {
      'content-type': 'application/x-git-receive-pack-result',
      'cache-control': 'no-cache',
      ...headers,
    },
  })
}

const COMPANION_LOST = {
  'info/refs': 'the gate cannot reach its companion; nothing was changed; try again in a few seconds',
  'git-upload-pack': 'the gate has lost its companion; try again in a few seconds',
  'git-receive-pack':
    'the gate has lost its companion before it heard the outcome; fetch to see whether upstream has your push, then try again',
} as const

/**
 * Returns the response to a git request while the companion is unreachable, in a form that git prints.
 * `retryAfter` is in seconds.
 */
export function unavailable(
  service: 'info/refs' | 'git-upload-pack' | 'git-receive-pack',
  reason: string = COMPANION_LOST[service],
  retryAfter = 5,
): Response {
  const headers = { 'retry-after': String(retryAfter) }
  if (service === 'info/refs') return textResponse(503, [reason], headers)
  // git prints only the status code of a failed POST. The message goes into a 200 response instead:
  // an ERR packet (gitprotocol-pack(5)), or sideband 3 and a flush packet.
  const answer =
    service === 'git-upload-pack'
      ? pktLine(`ERR git-gate: ${reason}`)
      : `${pktLine(`\x03git-gate: ${reason}\n`)}0000`
  return new Response(answer, {
    headers: { ...headers, 'content-type': `application/x-${service}-result`, 'cache-control': 'no-cache' },
  })
}
