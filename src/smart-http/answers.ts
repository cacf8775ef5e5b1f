/** A pkt-line of text (gitprotocol-common(5)). */
export function pktLine(text: string): string {
  const length = new TextEncoder().encode(text).length + 4
  return length.toString(16).padStart(4, '0') + text
}

/** Plain text, which git prints as `remote: …` when it comes in answer to info/refs. */
export function plain(
  status: number,
  lines: readonly string[],
  headers: Record<string, string> = {},
): Response {
  return new Response(lines.map(line => `git-gate: ${line}\n`).join(''), {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', ...headers },
  })
}

/** The companion could not be reached: what git can print of that, by what was asked. */
export function unavailable(asked: 'info/refs' | 'git-upload-pack' | 'git-receive-pack'): Response {
  const why = 'the gate cannot reach its companion; nothing was changed; try again in a few seconds'
  if (asked !== 'git-upload-pack') return plain(503, [why], { 'retry-after': '5' })
  return new Response(pktLine(`ERR git-gate: ${why}`), {
    headers: { 'content-type': 'application/x-git-upload-pack-result', 'cache-control': 'no-cache' },
  })
}
