import { randomBytes, randomInt } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, inject, test } from 'vitest'
import { termsOf } from '../../cli/terms.ts'
import { adminOf } from '../../local/admin.ts'
import { projectRoot } from '../../local/bundle.ts'
import { startWorker } from '../../local/worker.ts'
import { cloneIn } from '../harness/clone.ts'
import { accepted, gitText, rejected, seconds, startUpstream, until } from '../harness/index.ts'
import { dockerEngine } from './docker-engine.ts'

/** As unsafe as the image has to bear: nothing may be written but the state and /tmp, nobody may become root. */
const confinement = [
  '--read-only',
  '--tmpfs=/tmp',
  '--tmpfs=/var/lib/git-gate:uid=10001,gid=10001,mode=700,exec',
  '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
]

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const madeUpToken = () =>
  `ghp_${Array.from({ length: 36 }, () => letters[randomInt(letters.length)]).join('')}`

test('the image serves a clone, a push and two refusals, as nobody in particular, on a read-only disk', {
  timeout: seconds(900),
}, async ({ skip }) => {
  const found = await dockerEngine()
  if ('why' in found) return skip(found.why)
  await using all = new AsyncDisposableStack()
  const { docker, base } = all.use(found.engine)
  await docker(
    [
      ...['build', '--network=host', '--quiet', '--tag=git-gate-companion', '--file=container/Dockerfile'],
      `--build-arg=BASE=${await base()}`,
      projectRoot,
    ],
    seconds(800),
  )

  const passKey = randomBytes(32).toString('hex')
  const port = randomInt(20_000, 30_000)
  const container = await docker([
    ...['run', '--detach', '--network=host', ...confinement, '--health-interval=1s'],
    ...[`--env=GATE_PASS_KEY=${passKey}`, '--env=GATE_HOST=127.0.0.1', `--env=COMPANION_PORT=${port}`],
    'git-gate-companion',
  ])
  all.defer(async () => void (await docker(['rm', '--force', container])))
  const inside = (...command: string[]) => docker(['exec', container, ...command])
  const inspect = (what: string) => docker(['inspect', `--format={{${what}}}`, container])
  await until(
    async () => ((await inspect('.State.Health.Status')) === 'healthy' ? true : undefined),
    seconds(60),
    () => 'the container does not become healthy',
  ).catch(async error => {
    throw new Error(await docker(['logs', container]), { cause: error })
  })

  const adminToken = randomBytes(24).toString('hex')
  const worker = all.use(
    await startWorker({
      code: fs.readFileSync(inject('worker'), 'utf8'),
      port: 0,
      bindings: {
        GATE_PASS_KEY: passKey,
        GATE_ADMIN_TOKEN: adminToken,
        GATE_COMPANION_URL: `http://127.0.0.1:${port}`,
      },
      say: () => {},
    }),
  )
  const upstream = all.use(await startUpstream())
  const admin = adminOf(worker.url, adminToken)
  upstream.authorize(await admin.identity('deploy'))
  const { url, knownHosts } = upstream.at()
  await admin.repository('app', { upstream: url, identity: 'deploy', knownHosts })
  await admin.agent('ada')
  await admin.grant('ada', 'app', termsOf({ push: ['refs/heads/ada/**'] }))
  const { token } = await admin.mint('ada', 'test')
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-image-'))
  all.defer(() => fs.rmSync(folder, { recursive: true, force: true }))
  await gitText(['clone', '-q', `${worker.url.replace('://', `://ada:${token}@`)}/app.git`, folder])
  const work = cloneIn(folder)

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

  expect(await inside('id', '-u')).toBe('10001')
  expect(await inside('cat', '/proc/1/comm')).toBe('tini')
  for (const place of ['/gate/container/main.ts', '/gate/new', '/usr/local/bin/gitleaks', '/etc/new']) {
    await expect(inside('sh', '-c', `: >> ${place}`)).rejects.toThrow(/Permission denied|Read-only/)
    const asRoot = docker(['exec', '--user=0', container, 'sh', '-c', `: >> ${place}`])
    await expect(asRoot).rejects.toThrow(/Read-only file system/)
  }
  // No process that git started inherited a secret, and the companion itself has put it away.
  expect(
    await inside('sh', '-c', 'cat /proc/[0-9]*/environ | tr "\\0" "\\n" | grep -c GATE_IDENTITY_ || true'),
  ).toBe('0')

  await docker(['stop', '--time=20', container])
  expect(await inspect('.State.ExitCode')).toBe('0')
})
