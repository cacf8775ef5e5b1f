import { randomInt } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect } from 'vitest'
import { termsOf } from '../../cli/terms.ts'
import { type Admin, adminOf } from '../../local/admin.ts'
import { type Push, PushPage } from '../../src/contract/api.ts'
import { type Clone, cloneIn } from '../harness/clone.ts'
import { accepted, faultyLink, gitText, rejected, startUpstream, type Upstream } from '../harness/index.ts'

/** The repository `app` behind a gate whose companion is in a container, and its agent ada. */
export interface App extends AsyncDisposable {
  readonly admin: Admin
  readonly upstream: Upstream
  /** With ada's token in it. */
  readonly url: string
  clone(): Promise<Clone>
  /** The pushes on record, the newest first. */
  pushes(): Promise<readonly Push[]>
}

export interface AppOptions {
  readonly url: string
  readonly adminToken: string
  /** This machine's address, as the companion sees it. */
  readonly host: string
  /** Makes the identity `deploy` known to the gate; answers with its public half. */
  identity(admin: Admin): Promise<string>
}

export async function openApp({ url, adminToken, host, identity }: AppOptions): Promise<App> {
  await using all = new AsyncDisposableStack()
  const upstream = all.use(await startUpstream())
  const link = all.use(await faultyLink(upstream.port, host))
  const admin = adminOf(url, adminToken)
  upstream.authorize(await identity(admin))
  const { url: address, knownHosts } = upstream.at({ host, port: link.port })
  await admin.repository('app', { upstream: address, identity: 'deploy', knownHosts })
  await admin.agent('ada')
  await admin.grant('ada', 'app', termsOf({ push: ['refs/heads/ada/**'] }))
  const { token } = await admin.mint('ada', 'test')
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-app-'))
  all.defer(() => fs.rmSync(folder, { recursive: true, force: true }))
  const withToken = `${url.replace('://', `://ada:${token}@`)}/app.git`
  let clones = 0
  const running = all.move()
  return {
    admin,
    upstream,
    url: withToken,
    async clone() {
      const into = path.join(folder, String(clones++))
      await gitText(['clone', '-q', withToken, into])
      return cloneIn(into)
    },
    pushes: async () => PushPage.parse(await admin.ask('GET', '/pushes?repository=app')).pushes,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** Ada pushes, and is refused twice: a branch that is not hers, and a secret. Answers with the commit that stands. */
export async function pushAndBeRefused({ upstream }: App, work: Clone): Promise<string> {
  const commit = await work.commit('Say hello', { 'hello.txt': 'hello\n' })
  expect(await work.push('HEAD:refs/heads/ada/hello')).toMatchObject(accepted)
  expect(await upstream.ref('refs/heads/ada/hello')).toBe(commit)
  const elsewhere = await work.push('HEAD:refs/heads/main')
  expect(elsewhere).toMatchObject(rejected)
  expect(elsewhere.output).toContain('refs/heads/main')
  await work.commit('Configure', { 'settings.env': `GITHUB_TOKEN=${madeUpToken()}\n` })
  const secret = await work.push('HEAD:refs/heads/ada/settings')
  expect(secret).toMatchObject(rejected)
  expect(secret.output).toContain('github-pat')
  await work.text(['reset', '--quiet', '--hard', commit])
  return commit
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const madeUpToken = () =>
  `ghp_${Array.from({ length: 36 }, () => letters[randomInt(letters.length)]).join('')}`
