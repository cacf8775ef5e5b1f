import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Admin } from '../admin-client.ts'
import type { WantedUpstream } from '../start-options.ts'
import { DEMO_GRANT, ensureAccess, OWN_BRANCHES } from './demo-agent.ts'
import { startSshServer } from './sshd.ts'

/** A repository behind the gate, as `npm start` prints it. */
export interface ShownRepository {
  readonly repository: string
  readonly upstream: string
  /** The agent's token, if it works there. */
  readonly token: string | undefined
}

const DEMO = 'demo'
const run = promisify(execFile)

/** A running gate, and the start that adds repositories to it. */
export interface DemoContext {
  readonly admin: Admin
  readonly home: string
  readonly isFirstStart: boolean
}

/** True when this state folder has the demo and the gate still serves it. */
export const hasDemo = async ({ admin, home }: DemoContext) =>
  fs.existsSync(path.join(home, DEMO, 'upstream.git')) && (await admin.repositories()).includes(DEMO)

/** True when the gate serves no repository but the demo, in a first start. */
export const mayMakeDemo = async ({ admin, isFirstStart }: DemoContext) =>
  isFirstStart && (await admin.repositories()).every(name => name === DEMO)

/** Creates the demo: an upstream behind its own sshd (stopped by `cleanup`), a repository and an agent. */
export async function setUpDemo(
  context: DemoContext,
  cleanup: AsyncDisposableStack,
): Promise<ShownRepository> {
  const { admin, home, isFirstStart } = context
  const dir = path.join(home, DEMO)
  const upstream = path.join(dir, 'upstream.git')
  const portFile = path.join(dir, 'port')
  await createUpstream(upstream)
  const lastPort = fs.existsSync(portFile) ? Number(fs.readFileSync(portFile, 'utf8')) : 0
  const server = cleanup.use(await startSshServer({ dir: path.join(dir, 'sshd'), port: lastPort }))
  fs.writeFileSync(portFile, String(server.port))
  server.authorize(await admin.identity(DEMO))
  const change = await admin.repository(DEMO, {
    upstream: server.urlOf(upstream),
    identity: DEMO,
    knownHosts: server.knownHosts,
  })
  const to = { repository: DEMO, isNew: change === 'added', isFirstStart, terms: DEMO_GRANT }
  return { repository: DEMO, token: await ensureAccess(admin, home, to), upstream }
}

/** Adds the operator's own repository. With `withAgent` the demo's agent gets a grant there. */
export async function setUpUpstream(
  { admin, home, isFirstStart }: DemoContext,
  wanted: WantedUpstream,
  withAgent: boolean,
): Promise<ShownRepository> {
  // The name is a hash of the key: the same key is the same identity at the next start, and another key is
  // another identity.
  const identity = `key-${createHash('sha256').update(wanted.privateKey).digest('hex').slice(0, 12)}`
  await admin.identity(identity, wanted.privateKey)
  const change = await admin.repository(wanted.name, {
    upstream: wanted.url,
    identity,
    knownHosts: wanted.knownHosts,
  })
  const to = { repository: wanted.name, isNew: change === 'added', isFirstStart, terms: OWN_BRANCHES }
  const token = withAgent ? await ensureAccess(admin, home, to) : undefined
  return { repository: wanted.name, token, upstream: wanted.url }
}
/** Creates a bare repository with one commit on main, if it is missing. */
export async function createUpstream(dir: string): Promise<void> {
  if (fs.existsSync(dir)) return
  const fresh = `${dir}.new`
  fs.rmSync(fresh, { recursive: true, force: true })
  const env = {
    PATH: process.env.PATH,
    HOME: fresh,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Demo',
    GIT_AUTHOR_EMAIL: 'demo@example.com',
    GIT_COMMITTER_NAME: 'Demo',
    GIT_COMMITTER_EMAIL: 'demo@example.com',
  }
  fs.mkdirSync(path.dirname(fresh), { recursive: true, mode: 0o700 })
  await run('git', ['init', '-q', '--bare', '-b', 'main', fresh], {
    env: { ...env, HOME: path.dirname(fresh) },
  })
  const git = async (args: string[], input = '') => {
    const running = run('git', args, { cwd: fresh, env })
    // Most of these commands do not read stdin.
    running.child.stdin?.on('error', () => {}).end(input)
    return (await running).stdout.trim()
  }
  await git(['config', 'receive.advertisePushOptions', 'true'])
  const blob = await git(['hash-object', '-w', '--stdin'], '# Demo\n\nThe upstream of the gate’s demo.\n')
  const tree = await git(['mktree'], `100644 blob ${blob}\tREADME.md\n`)
  const commit = await git(['commit-tree', tree, '-m', 'Begin'])
  await git(['update-ref', 'refs/heads/main', commit])
  fs.renameSync(fresh, dir)
}
