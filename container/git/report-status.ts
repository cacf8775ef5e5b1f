import type { Refusal } from '../../src/contract/outcome.ts'
import { printable } from './command-list.ts'
import { FLUSH, MAX_PAYLOAD, pktLine } from './pkt-line.ts'

/** The line of a report-status for one ref. */
export interface RefStatus {
  readonly ref: string
  readonly status: 'ok' | 'ng'
  readonly reason: string
}

/**
 * The response to a push in git's protocol: side bands where the client supports them, then report-status.
 */
export interface Reply {
  /** Sends a `remote:` line at once. A client without side bands gets the report only. */
  progressLine(line: string): void
  /** Passes on git's progress bytes unchanged. */
  progress(bytes: Buffer): void
  /** Sends git's keepalive packet, which keeps the client and proxies from timing out. */
  keepalive(): void
  /** Ends the response with an error in place of a report, which would name each ref that the client sent. */
  fatal(line: string): void
  /** Sends the report and ends the response (gitprotocol-pack(5), "Report Status"). */
  report(unpack: string, refs: readonly RefStatus[]): void
}

export function createReply(capabilities: ReadonlySet<string>, write: (bytes: Buffer) => void): Reply {
  const sideBand = capabilities.has('side-band-64k')
  const band = (number: 1 | 2, bytes: Buffer) => {
    for (let offset = 0; offset < bytes.length; offset += MAX_PAYLOAD - 1)
      write(pktLine(Buffer.concat([Buffer.from([number]), bytes.subarray(offset, offset + MAX_PAYLOAD - 1)])))
  }
  return {
    progressLine: line => {
      if (sideBand) band(2, Buffer.from(`${printable(line)}\n`))
    },
    progress: bytes => {
      if (sideBand) band(2, bytes)
    },
    keepalive: () => {
      if (sideBand) write(pktLine(Buffer.from([1])))
    },
    fatal: line => write(Buffer.concat([pktLine(`\x03${printable(line)}\n`), FLUSH])),
    report: (unpack, refs) => {
      const report = Buffer.concat([
        pktLine(`unpack ${oneLine(unpack)}\n`),
        ...refs.map(({ ref, status, reason }) =>
          pktLine(status === 'ok' ? `ok ${nameOf(ref)}\n` : `ng ${nameOf(ref)} ${oneLine(reason)}\n`),
        ),
        FLUSH,
      ])
      if (!sideBand) return write(report)
      band(1, report)
      write(FLUSH)
    },
  }
}

/** A ref name or message of a client may be longer than a packet. */
const MAX_LINE = 1000
const oneLine = (text: string) => printable(text).slice(0, MAX_LINE)

/**
 * Returns a ref's name as the client sent it, since the client matches report lines by name. Control
 * characters are replaced.
 */
const nameOf = (ref: string) => ref.replace(/[\x00-\x1f\x7f]/g, '?').slice(0, MAX_LINE)

/** Returns the same status for every ref. */
export const statusForAll = (
  commands: readonly { ref: string }[],
  reason: string,
  status: 'ok' | 'ng' = 'ng',
): RefStatus[] => commands.map(({ ref }) => ({ ref, status, reason }))

/** Marks a progress line as the gate's own: git prints upstream's lines beside it. */
export const gateLine = (line: string): string => `git-gate: ${line}`

/** Returns a ref's reason for git's report: it tells the gate's reasons from git's. */
export const reasonForGit = (reason: string): string => `git-gate: ${reason}`

/** Formats a refusal for the agent: the one place where a refusal becomes text. */
export function formatRefusal(refusal: Refusal): string[] {
  return [
    `git-gate: refused${refusal.ref ? ` ${refusal.ref}` : ''}: ${refusal.reason}`,
    ...refusal.detail.map(line => `git-gate:   ${line}`),
    ...refusal.remedy.map(line => `git-gate:   ${line}`),
  ]
}

/** Limit of a refusal that the other refs' reasons repeat, in characters. */
const MAX_CULPRIT = 200

/** The reason of a ref that is not pushed because of another one. Some clients show one ref's reason only. */
export const notAlone = ({ ref = '', reason }: Pick<Refusal, 'ref' | 'reason'>, by = ''): string =>
  `not pushed: another ref of this push was refused${by}: ${`${ref}: ${reason}`.slice(0, MAX_CULPRIT)}`

/** Returns the status of every ref of a refused push: its own reason, or that another ref was refused. */
export function rejectAll(refs: readonly { ref: string }[], refusals: readonly Refusal[]): RefStatus[] {
  const whole = refusals.find(refusal => refusal.ref === undefined)
  const byRef = new Map(refusals.map(refusal => [refusal.ref, refusal] as const).reverse())
  const [first] = refusals
  return refs.map(({ ref }) => {
    const own = byRef.get(ref) ?? whole
    const reason = own?.reason ?? (first ? notAlone(first) : '')
    return { ref, status: 'ng', reason: reasonForGit(reason) }
  })
}
