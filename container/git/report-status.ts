import type { Refusal } from '../../src/contract/outcome.ts'
import { printable } from './command-list.ts'
import { FLUSH, MAX_PAYLOAD, pktLine } from './pkt-line.ts'

/** What each ref of a push is told. */
export interface RefStatus {
  readonly ref: string
  readonly status: 'ok' | 'ng'
  readonly reason: string
}

/** The reply to a push in git's own words: side bands where the client has them, then its report-status. */
export interface Reply {
  /** A `remote:` line, at once. Clients without side bands see nothing before the report. */
  progressLine(line: string): void
  /** Progress bytes of git's own, as they are. */
  progress(bytes: Buffer): void
  /** Git's keepalive, as it writes it: it tells the client, and what lies between, that someone is here. */
  keepalive(): void
  /** The report, and the end of the reply (gitprotocol-pack(5), "Report Status"). */
  report(unpack: string, refs: readonly RefStatus[]): void
}

export function createReply(capabilities: ReadonlySet<string>, write: (bytes: Buffer) => void): Reply {
  const sideBand = capabilities.has('side-band-64k')
  const band = (number: 1 | 2, bytes: Buffer) => {
    for (let at = 0; at < bytes.length; at += MAX_PAYLOAD - 1)
      write(pktLine(Buffer.concat([Buffer.from([number]), bytes.subarray(at, at + MAX_PAYLOAD - 1)])))
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

/** What a client makes up as a name need not fit into a packet. */
const MAX_LINE = 1000
const oneLine = (text: string) => printable(text).slice(0, MAX_LINE)

/** A client knows a ref by the very name it sent, whatever a terminal would make of that. */
const nameOf = (ref: string) => ref.replace(/[\x00-\x1f\x7f]/g, '?').slice(0, MAX_LINE)

/** A refusal in the words an agent reads: the one place where it becomes text. */
export function formatRefusal(refusal: Refusal): string[] {
  return [
    `git-gate: refused${refusal.ref ? ` ${refusal.ref}` : ''}: ${refusal.reason}`,
    ...refusal.detail.map(line => `git-gate:   ${line}`),
    ...refusal.remedy.map(line => `git-gate:   ${line}`),
  ]
}

/** Every ref's status when a push is not taken: its own reason, or that another ref was refused. */
export function rejectAll(refs: readonly { ref: string }[], refusals: readonly Refusal[]): RefStatus[] {
  const whole = refusals.find(refusal => refusal.ref === undefined)
  return refs.map(({ ref }) => {
    const own = refusals.find(refusal => refusal.ref === ref) ?? whole
    const reason = own ? own.reason : 'not pushed: another ref of this push was refused'
    return { ref, status: 'ng', reason: `git-gate: ${reason}` }
  })
}
