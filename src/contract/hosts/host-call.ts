import { z } from 'zod'

/** The calls to the API of a repository's host that an agent may make through the gate. `write` includes `read`. */
export const HostApiAccess = z.enum(['none', 'read', 'write'])
export type HostApiAccess = z.infer<typeof HostApiAccess>

/** The Worker's paths for host calls: this, the repository's name, and the path of the host's API. */
export const HOST_CALL_PATH = '/-/forge/'

/** Limit of a host call's body, in bytes. */
export const MAX_HOST_CALL_BYTES = 256 << 10

/** The response header with the result of a host call: HostCallResult as JSON, percent-encoded. */
export const HOST_CALL_HEADER = 'gate-host-call'

/** The result of a host call, for the ledger. */
export const HostCallResult = z.object({
  /** The operation in words: `read a pull request`, `graphql createPullRequest`. Empty: none that the gate knows. */
  operation: z.string().max(200),
  /** `answered`: by the host, with any status. `refused`: by the gate. `failed`: the host gave no usable answer. */
  outcome: z.enum(['answered', 'refused', 'failed']),
  /** Why the call was refused or has failed; else empty. */
  reason: z.string().max(500),
})
export type HostCallResult = z.infer<typeof HostCallResult>

export const encodeHostCallResult = (result: HostCallResult): string =>
  encodeURIComponent(JSON.stringify({ ...result, reason: result.reason.slice(0, 500) }))

/** Returns undefined if the header is missing or malformed. */
export function decodeHostCallResult(header: string | null): HostCallResult | undefined {
  if (header === null) return undefined
  try {
    return HostCallResult.safeParse(JSON.parse(decodeURIComponent(header))).data
  } catch {
    return undefined
  }
}
