import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { AgentName, RepositoryName } from '../../src/contract/names.ts'
import { KEEPALIVE_PROBE_MS, REQUEST_HEAD_MS } from '../client/idle-deadline.ts'
import { ClientGone } from '../client/request-body.ts'
import type { Companion } from '../companion.ts'
import { pktLine } from '../git/pkt-line.ts'
import { logError } from '../process/log.ts'
import { NoRoom } from '../process/memory-budget.ts'
import { push } from '../push/handle-push.ts'
import type { SessionEnd } from '../sessions/session-counts.ts'
import { UpstreamError } from '../upstream/ssh-link.ts'
import { connectionsByAddress } from './connections-by-address.ts'
import { fetchOver } from './fetch.ts'
import { readFirstPacket } from './first-packet.ts'
import { gitClient } from './push-client.ts'
import { readRequestLine } from './request-line.ts'
import { NotAdmitted, type Worker, workerAt } from './worker-client.ts'

const FAILED = 'the gate failed on this request; try again'

/** One client's connection, and what it asked for. */
interface Caller {
  readonly socket: Socket
  readonly agent: AgentName
  readonly worker: Worker
  readonly repository: RepositoryName
  readonly protocol: string | undefined
}

/**
 * Serves git's own protocol, without authentication, as one configured agent: for a private network whose every
 * member may act as that agent. Sessions, checks, forward and ledger are those of the other surface.
 */
export async function serveGit(
  companion: Companion,
  surface: { host: string; port: number; agent: AgentName; worker: string },
): Promise<Server> {
  const worker = workerAt(surface.worker, surface.agent, companion.settings)
  const server = createServer({
    allowHalfOpen: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEPALIVE_PROBE_MS,
  })
  // Whoever has not asked for anything yet counts, too: each takes a descriptor.
  server.maxConnections = companion.settings.maxSessions
  const admits = connectionsByAddress(companion.settings.maxAddressConnections)
  server.on('connection', socket => {
    if (!admits(socket)) return
    // Whoever waits on this connection hears of its end as a close.
    socket.on('error', () => {})
    serveCaller(companion, socket, surface.agent, worker).catch((error: unknown) => {
      if (error instanceof ClientGone) return socket.destroy()
      if (error instanceof NotAdmitted || error instanceof UpstreamError || error instanceof NoRoom)
        return refuse(socket, error.message)
      if (!socket.destroyed) logError('', error)
      refuse(socket, FAILED)
    })
  })
  server.listen(surface.port, surface.host)
  await once(server, 'listening')
  return server
}

async function serveCaller(
  companion: Companion,
  socket: Socket,
  agent: AgentName,
  worker: Worker,
): Promise<void> {
  const line = await readFirstPacket(socket, REQUEST_HEAD_MS)
  if (!line) return void socket.destroy()
  const asked = readRequestLine(line)
  if (!asked.ok) return refuse(socket, asked.why)
  await companion.recovered
  const { service, repository, protocol } = asked
  const caller = { socket, agent, worker, repository, protocol }
  return service === 'git-upload-pack' ? takeFetch(companion, caller) : takePush(companion, caller)
}

/** What a client reads as `fatal: remote error: …`, and the end of its connection. */
function refuse(socket: Socket, why: string): void {
  if (socket.writable) socket.end(pktLine(`ERR git-gate: ${why}`))
  setTimeout(() => socket.destroy(), 1_000)
}

async function takeFetch(companion: Companion, caller: Caller): Promise<void> {
  const { sessions, memory, mirrors, settings } = companion
  const { socket, worker, repository, agent } = caller
  const pass = await worker.passFor('advertise-upload-pack', repository, socket.remoteAddress ?? '')
  const begun = sessions.begin({
    id: pass.id,
    repository: pass.repository.name,
    agent,
    service: 'git-upload-pack',
  })
  if (!begun.ok) return refuse(socket, begun.why)
  let leaveMemory: (() => void) | undefined
  let end: SessionEnd = { outcome: 'failed' }
  try {
    const mirror = mirrors.get(pass.repository)
    await mirror.refresh(pass.repository, closed(socket))
    leaveMemory = await memory.enter(closed(socket))
    end = await fetchOver(socket, mirror.git, caller.protocol, settings)
  } finally {
    leaveMemory?.()
    begun.end(end)
  }
}

/**
 * The advertisement, as for any client; then, with the first bytes of a command list, a push like any other. Until
 * then there is no push: a client that finds nothing to push leaves again.
 */
async function takePush(companion: Companion, caller: Caller): Promise<void> {
  const { sessions, mirrors, settings } = companion
  const { socket, worker, repository, agent, protocol } = caller
  const address = socket.remoteAddress ?? ''
  const pass = await worker.passFor('advertise-receive-pack', repository, address)
  const begun = sessions.begin({
    id: pass.id,
    repository: pass.repository.name,
    agent,
    service: pass.service,
  })
  if (!begun.ok) return refuse(socket, begun.why)
  let end: SessionEnd = { outcome: 'failed' }
  const client = gitClient(socket, protocol, settings)
  try {
    const { git, refresh } = mirrors.get(pass.repository)
    await refresh(pass.repository, client.gone)
    const advertised = await git.run(['receive-pack', '--http-backend-info-refs', git.dir], {
      signal: client.gone,
      env: protocol ? { GIT_PROTOCOL: protocol } : {},
    })
    client.write(advertised.stdout)
    end = { outcome: 'served' }
    const first = await client.peek()
    if (!first || first.subarray(0, 4).toString('latin1') === '0000') return client.drop()
  } finally {
    begun.end(end)
  }
  const pushPass = await worker.passFor('git-receive-pack', repository, address)
  await push(companion, pushPass, client, worker.channelFor(pushPass)).catch((error: unknown) => {
    logError(pushPass.id, error)
    refuse(socket, FAILED)
  })
}

/** Aborts when the client closes, if only its own side: it has nothing to say before it has its answer. */
function closed(socket: Socket): AbortSignal {
  const gone = new AbortController()
  const leave = () => gone.abort(new ClientGone('vanished'))
  for (const name of ['end', 'close'] as const) socket.once(name, leave)
  if (socket.destroyed || socket.readableEnded) leave()
  return gone.signal
}
