/** What went wrong without anyone having to be told, into the log: of which push, or at what. */
export function logFault(of: { push: string } | { at: string }, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  console.error(JSON.stringify({ level: 'error', ...of, message }))
}
