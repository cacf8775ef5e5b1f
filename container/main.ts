import { once } from 'node:events'
import { mkdir, rm } from 'node:fs/promises'
import { type AddressInfo, isIPv6 } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { checks, createRefusedObjects } from './checks/index.ts'
import type { Companion } from './companion.ts'
import { createSharedResponses } from './fetch/shared-responses.ts'
import { createEarlySessions } from './forward/early-sessions.ts'
import { configureGit } from './git/git-config.ts'
import { startGitDaemon } from './git-daemon/server.ts'
import { openHeldPushes } from './held/held-pushes.ts'
import { serve } from './http/server.ts'
import { openJournal } from './journal/journal.ts'
import { recover } from './journal/recover.ts'
import { trackUnreported } from './journal/unreported.ts'
import { createLfs, openStore } from './lfs/index.ts'
import { createMirrors } from './mirror/mirrors.ts'
import { createMirrorSeed } from './mirror/seed.ts'
import { createMemoryBudget } from './process/memory-budget.ts'
import { limitChildMemory } from './process/memory-limit.ts'
import { markChildProcesses } from './process/orphans.ts'
import { openSocketFolder } from './process/socket-folder.ts'
import { createPermissions } from './push/permission.ts'
import { createSessions } from './sessions/sessions.ts'
import { readSettings } from './settings.ts'
import { openCredentials } from './upstream/https/credentials.ts'
import { createLfsUpstreams } from './upstream/lfs-server/index.ts'
import { createLinks } from './upstream/links.ts'
import { moveSecretsFromEnv } from './upstream/secret-files.ts'
import { KEY_VARIABLES } from './upstream/ssh/ssh-keys.ts'

/** The time for the last responses to leave, in milliseconds. */
const LAST_ANSWERS_MS = 1_000

// Only the companion's user may read mirrors, journals and keys.
process.umask(0o077)

const read = readSettings(process.env)
if (!read.ok) {
  console.error(`companion: ${read.problem}`)
  process.exit(2)
}
const settings = { ...read.settings, home: resolve(read.settings.home) }
delete process.env.GATE_PASS_KEY
markChildProcesses(settings.home)
limitChildMemory(settings.gitMemoryBytes)

const identities = join(settings.home, 'identities')
await mkdir(settings.home, { recursive: true, mode: 0o700 })
await moveSecretsFromEnv(identities, KEY_VARIABLES, process.env)
const credentials = await openCredentials(join(settings.home, 'credentials'), process.env)
const sockets = await openSocketFolder(settings.home)
const env = await configureGit(settings)
const links = createLinks({
  identities,
  folder: join(settings.home, 'ssh'),
  sockets,
  credentials,
  authorities: join(settings.home, 'authorities'),
  gitEnv: env,
})
const mirrorSeed = createMirrorSeed(settings.seedWaitMs)
const mirrors = createMirrors({ settings, env, linkTo: links.to, mirrorSeed })
const journal = trackUnreported(await openJournal(join(settings.home, 'journal'), settings.maxJournalBytes))
const sessions = createSessions(settings)
const refused = createRefusedObjects()
const upstreams = createLfsUpstreams({ linkTo: links.to, credentials, forwardMs: settings.forwardMs })
const store = await openStore(join(settings.home, 'lfs'), settings.maxLfsStoreBytes)
const companion: Companion = {
  settings,
  sessions,
  memory: createMemoryBudget(settings.gitMemoryBytes),
  mirrors,
  mirrorSeed,
  sharedResponses: createSharedResponses(join(settings.home, 'scratch'), settings.fetchCacheBytes),
  links,
  earlySessions: createEarlySessions(links),
  journal,
  held: await openHeldPushes(join(settings.home, 'held'), settings.held),
  checks: checks(settings, { upstreams, refused }),
  lfs: createLfs({ settings, mirrors, sessions, upstreams, refused, store }),
  permissions: createPermissions(),
  identities,
  credentials,
  recovered: recover({ journal, mirrors, links, settings }),
}
const exit = ({ message }: Error): never => {
  console.error(`companion: ${message}`)
  process.exit(1)
}
const server = serve(companion).on('error', exit)
const gitServer =
  settings.git && (await startGitDaemon(companion, settings.git).catch(exit)).on('error', exit)

server.listen(settings.port, settings.host, () => {
  const { port } = server.address() as AddressInfo
  console.log(`companion: ready http://${settings.host}:${port}`)
})

if (gitServer) {
  const { address, port } = gitServer.address() as AddressInfo
  console.log(`companion: also git://${isIPv6(address) ? `[${address}]` : address}:${port}`)
}

/**
 * Rejects new sessions and finishes running ones. Until the end the Worker can ask for their outcomes. A
 * second signal changes nothing.
 */
async function stop(): Promise<never> {
  gitServer?.close()
  companion.earlySessions.close()
  await sessions.close()
  await journal.allReported(settings.shutdownReportMs)
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  await Promise.race([closed, delay(LAST_ANSWERS_MS)])
  links.closeAll()
  await rm(sockets, { recursive: true, force: true })
  process.exit(0)
}
let isStopping = false
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.on(signal, () => {
    if (!isStopping) stop()
    isStopping = true
  })
