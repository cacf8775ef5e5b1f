import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import type { z } from 'zod'
import type { Terms } from '../../src/contract/grant.ts'
import type { Admin } from '../admin-client.ts'
import type { WantedUpstream } from '../start-options.ts'
import { writeSecret } from '../state-folder.ts'
import { startSshServer } from './sshd.ts'

/** A repository that is ready behind the gate, in the words that `npm start` prints. */
export interface Offer {
  readonly repository: string
  readonly token: string
  readonly upstream: string
}

export const AGENT = 'demo-agent'

/** Any branch may grow, tags may be made; only the agent's own branches may be rewritten or deleted. */
export const TERMS: z.input<typeof Terms> = {
  rules: [
    { pattern: 'refs/heads/{agent}/**', allow: ['create', 'update', 'force', 'delete'] },
    { pattern: 'refs/heads/**', allow: ['create', 'update'] },
    { pattern: 'refs/tags/**', allow: ['create'] },
  ],
  pushOptions: true,
}

const DEMO = 'demo'
const run = promisify(execFile)

/** Was the demo made in this state folder? */
export const hasDemo = (home: string) => fs.existsSync(path.join(home, DEMO, 'upstream.git'))

/** The demo: an upstream behind an sshd of its own (stopped by `cleanup`), a repository and an agent. */
export async function offerDemo(admin: Admin, home: string, cleanup: AsyncDisposableStack): Promise<Offer> {
  const dir = path.join(home, DEMO)
  const upstream = path.join(dir, 'upstream.git')
  const portFile = path.join(dir, 'port')
  await createUpstream(upstream)
  const lastPort = fs.existsSync(portFile) ? Number(fs.readFileSync(portFile, 'utf8')) : 0
  const server = cleanup.use(await startSshServer({ dir: path.join(dir, 'sshd'), port: lastPort }))
  fs.writeFileSync(portFile, String(server.port))
  server.authorize(await admin.identity(DEMO))
  await admin.repository(DEMO, {
    upstream: server.urlOf(upstream),
    identity: DEMO,
    knownHosts: server.knownHosts,
  })
  return { repository: DEMO, token: await admit(admin, home, DEMO), upstream }
}

/** The operator's own repository, for the same agent. */
export async function offerUpstream(admin: Admin, home: string, wanted: WantedUpstream): Promise<Offer> {
  // Named by its content: the same key is the same identity at the next start, another one is another.
  const identity = `key-${createHash('sha256').update(wanted.privateKey).digest('hex').slice(0, 12)}`
  await admin.identity(identity, wanted.privateKey)
  await admin.repository(wanted.name, { upstream: wanted.url, identity, knownHosts: wanted.knownHosts })
  return { repository: wanted.name, token: await admit(admin, home, wanted.name), upstream: wanted.url }
}

/** Gives the agent its grant, unless an operator has changed it, and a token that works; it is kept for the next start. */
async function admit(admin: Admin, home: string, repository: string): Promise<string> {
  await admin.agent(AGENT)
  if (!(await admin.hasGrant(AGENT, repository))) await admin.grant(AGENT, repository, TERMS)
  const file = path.join(home, `${AGENT}.token`)
  if (fs.existsSync(file)) {
    const kept = fs.readFileSync(file, 'utf8').trim()
    if (await admin.isGood(AGENT, kept)) return kept
  }
  const { token } = await admin.mint(AGENT, 'npm start')
  writeSecret(file, token)
  return token
}

/** A bare repository with one commit on main; one that is there stays. */
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
    // Most of these do not read it.
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
