import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { AgentName, RepositoryName } from '../../src/contract/names.ts'
import { KEEPALIVE_PROBE_MS, REQUEST_HEAD_MS } from '../client/idle-deadline.ts'
import { ClientGone } from '../client/request-body.ts'
import type { Companion } from '../companion.ts'
import { openEarlySession } from '../forward/early-sessions.ts'
import { GitError } from '../git/git.ts'
import { pktLine } from '../git/pkt-line.ts'
import { logError } from '../process/log.ts'
import { MemoryExhausted } from '../process/memory-budget.ts'
import { handlePush } from '../push/handle-push.ts'
import type { SessionEnd } from '../sessions/session-counts.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'
import { connectionsByAddress } from './connections-by-address.ts'
import { serveUploadPack } from './fetch.ts'
import { readFirstPacket } from './first-packet.ts'
import { gitClient } from './push-client.ts'
import { readRequestLine } from './request-line.ts'
import { AccessDenied, type Worker, workerAt } from './worker-client.ts'

const FAILED = 'the gate failed on this request; try again'

/** A client's connection and its request. */
interface GitConnection {
  readonly socket: Socket
  readonly agent: AgentName
  readonly worker: Worker
  readonly repository: RepositoryName
  readonly protocol: string | undefined
}

/**
 * Serves `git://`, which has no authentication, as one configured agent. It is meant for a private network
 * whose every member may act as that agent. Sessions, checks, forward and ledger are the same as over HTTP.
 */
export async function startGitDaemon(
  companion: Companion,
  surface: { host: string; port: number; agent: AgentName; worker: string },
): Promise<Server> {
  const worker = workerAt(surface.worker, surface.agent, companion.settings)
  const server = createServer({
    allowHalfOpen: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEPALIVE_PROBE_MS,
  })
  // Connections without a request count, too: each takes a file descriptor.
  server.maxConnections = companion.settings.maxSessions
  const admits = connectionsByAddress(companion.settings.maxAddressConnections)
  server.on('connection', socket => {
    if (!admits(socket)) return
    // An error is followed by `close`, which the session handles.
    socket.on('error', () => {})
    serveConnection(companion, socket, surface.agent, worker).catch((error: unknown) => {
      if (error instanceof ClientGone) return socket.destroy()
      if (error instanceof AccessDenied || error instanceof UpstreamError || error instanceof MemoryExhausted)
        return refuse(socket, error.message)
      if (!socket.destroyed) logError('', error)
      refuse(socket, FAILED)
    })
  })
  server.listen(surface.port, surface.host)
  await once(server, 'listening')
  return server
}

async function serveConnection(
  companion: Companion,
  socket: Socket,
  agent: AgentName,
  worker: Worker,
): Promise<void> {
  const line = await readFirstPacket(socket, REQUEST_HEAD_MS)
  if (!line) return void socket.destroy()
  const request = readRequestLine(line)
  if (!request.ok) return refuse(socket, request.reason)
  await companion.recovered
  const { service, repository, protocol } = request
  const caller = { socket, agent, worker, repository, protocol }
  return service === 'git-upload-pack' ? serveFetch(companion, caller) : servePush(companion, caller)
}

/** Sends an ERR packet, which git prints as `fatal: remote error: …`, and closes the connection. */
function refuse(socket: Socket, reason: string): void {
  if (socket.writable) socket.end(pktLine(`ERR git-gate: ${reason}`))
  setTimeout(() => socket.destroy(), 1_000)
}

async function serveFetch(companion: Companion, caller: GitConnection): Promise<void> {
  const { sessions, memory, mirrors, settings } = companion
  const { socket, worker, repository, agent } = caller
  const pass = await worker.passFor('advertise-upload-pack', repository, socket.remoteAddress ?? '')
  const started = sessions.begin({
    id: pass.id,
    repository: pass.repository.name,
    agent,
    service: 'git-upload-pack',
  })
  if (!started.ok) return refuse(socket, started.reason)
  let leaveMemory: (() => void) | undefined
  let end: SessionEnd = { outcome: 'failed' }
  try {
    const mirror = mirrors.get(pass.repository)
    await mirror.refresh(pass.repository, closed(socket))
    leaveMemory = await memory.enter(closed(socket))
    end = await serveUploadPack(socket, mirror.git, caller.protocol, settings)
  } finally {
    leaveMemory?.()
    started.end(end)
  }
}

/**
 * Sends the advertisement, and starts a push when the first bytes of a command list arrive. A client that has
 * nothing to push disconnects before that, and no push is recorded.
 */
async function servePush(companion: Companion, caller: GitConnection): Promise<void> {
  const { sessions, mirrors, settings } = companion
  const { socket, worker, repository, agent, protocol } = caller
  const address = socket.remoteAddress ?? ''
  const pass = await worker.passFor('advertise-receive-pack', repository, address)
  const started = sessions.begin({
    id: pass.id,
    repository: pass.repository.name,
    agent,
    service: pass.service,
  })
  if (!started.ok) return refuse(socket, started.reason)
  let end: SessionEnd = { outcome: 'failed' }
  const client = gitClient(socket, protocol, settings)
  openEarlySession(pass, companion)
  try {
    const { git, refresh } = mirrors.get(pass.repository)
    await refresh(pass.repository, client.disconnected)
    const args = ['receive-pack', '--http-backend-info-refs', git.dir]
    const advertised = await git.run(args, {
      signal: client.disconnected,
      env: protocol ? { GIT_PROTOCOL: protocol } : {},
    })
    if (advertised.code !== 0) throw new GitError(args, advertised)
    client.write(advertised.stdout)
    end = { outcome: 'served' }
    const first = await client.peek()
    if (!first || first.subarray(0, 4).toString('latin1') === '0000') return client.disconnect()
  } finally {
    started.end(end)
  }
  const pushPass = await worker.passFor('git-receive-pack', repository, address)
  await handlePush(companion, pushPass, client, worker.channelFor(pushPass)).catch((error: unknown) => {
    logError(pushPass.id, error)
    refuse(socket, FAILED)
  })
}

/**
 * Returns a signal that aborts when the client closes the connection or its own side of it: it sends nothing
 * before it has its response.
 */
function closed(socket: Socket): AbortSignal {
  const disconnect = new AbortController()
  const onDisconnect = () => disconnect.abort(new ClientGone('disconnected'))
  for (const name of ['end', 'close'] as const) socket.once(name, onDisconnect)
  if (socket.destroyed || socket.readableEnded) onDisconnect()
  return disconnect.signal
}
