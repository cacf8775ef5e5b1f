import type { ChildProcess } from 'node:child_process'
import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import type { LfsOperation } from '../../src/contract/lfs.ts'
import type { ProcessResult, RunOptions } from '../process/spawn.ts'

/** The connection to an upstream, over SSH or HTTPS. */
export interface Link {
  /** Connects, or checks that a connection can be tried. Rejects with UpstreamError. */
  connect(signal: AbortSignal): Promise<void>
  /**
   * Leases the connection for one process. The caller calls `release` after the process has ended. Rejects with
   * UpstreamError.
   */
  acquire(signal: AbortSignal): Promise<LinkLease>
  /**
   * Leases a connection with room to spare, for work that may turn out to be for nothing. Undefined: every connection
   * is busy. Absent over HTTPS, where git makes a connection for each process.
   */
  acquireSpare?(signal: AbortSignal): Promise<LinkLease | undefined>
  /** Absent over HTTPS. */
  readonly prepared?: PreparedSessions
}

/** The links of all repositories with the same address, secret and trust, which share connections. */
export interface SharedLink {
  /** The link of one of these repositories, whose errors name it. */
  for(upstream: Upstream): Link
  close(): void
}

/** The lease of a connection for one process. */
export interface LinkLease {
  /** The options of a git process that connects to the upstream's URL. */
  readonly git: Pick<RunOptions, 'env' | 'onFd4'>
  /** Starts a process that speaks protocol version 2 with upstream's git-upload-pack on its stdio. */
  startUploadPack(upstream: Upstream, signal: AbortSignal): UploadPack
  /** Starts upstream's git-receive-pack, in protocol version 0, on a process's stdio. Absent over HTTPS. */
  startReceivePack?(upstream: Upstream, signal: AbortSignal): ChildProcess
  /** Runs `git-lfs-authenticate` at upstream (git-lfs docs/api/server-discovery.md). Absent over HTTPS. */
  authenticateLfs?(upstream: Upstream, operation: LfsOperation, signal: AbortSignal): Promise<ProcessResult>
  /** Starts `git-lfs-transfer` at upstream (git-lfs docs/proposals/ssh_adapter.md). Absent over HTTPS. */
  startLfsTransfer?(upstream: Upstream, operation: LfsOperation): ChildProcess
  /** Releases the lease. `broken`: the process was killed, and upstream may not have noticed. */
  release(options?: { broken?: boolean }): void
}

/** Sessions of upstream's git-upload-pack that are open before a request needs them. */
export interface PreparedSessions {
  /**
   * Returns the session that waits for a request to this upstream. The process is killed when the signal aborts.
   * Upstream may end the session at any time.
   */
  take(upstream: Upstream, signal: AbortSignal): PreparedSession | undefined
  /** Opens a session for the next request, if upstream is asked often. It must speak protocol version 2. */
  prepareNext(upstream: Upstream): void
}

/** A session that was prepared, and its lease. */
export interface PreparedSession extends Pick<LinkLease, 'release'> {
  readonly uploadPack: UploadPack
}

/** A process that speaks with upstream's git-upload-pack. */
export interface UploadPack {
  readonly child: ChildProcess
  /**
   * True: git's remote helper (gitremote-helpers(7)), which is first asked for stateless-connect. False: the
   * connection itself.
   */
  readonly isHelper: boolean
}
