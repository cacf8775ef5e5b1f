import { randomBytes, randomInt } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, type TestContext, test } from 'vitest'
import { projectRoot } from '../../local/worker/bundle.ts'
import { startWorker } from '../../local/worker/workerd.ts'
import { startWranglerDev } from '../../local/worker/wrangler-dev.ts'
import {
  accepted,
  faultyLink,
  gitText,
  megabytes,
  type RunningGit,
  seconds,
  until,
} from '../harness/index.ts'
import { openApp, pushAndBeRefused } from './fixtures/docker-app.ts'
import { asOptions, type BuildArguments, haveBase } from './fixtures/docker-base.ts'
import { type DockerEngine, dockerEngine } from './fixtures/docker-engine.ts'
import { makeKey } from './fixtures/key.ts'
import { wranglerDocker } from './fixtures/wrangler-docker.ts'

/** Full confinement: only the state and /tmp are writable, and no process may become root. */
const confinement = [
  '--read-only',
  '--tmpfs=/tmp',
  '--tmpfs=/var/lib/git-gate:uid=10001,gid=10001,mode=700,exec',
  '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
]

const secret = () => randomBytes(32).toString('hex')
const somePort = () => randomInt(20_000, 30_000)

describe('under a real Docker engine', () => {
  let found: Awaited<ReturnType<typeof dockerEngine>> = { why: 'nobody has looked for one' }
  let args: BuildArguments = {}
  beforeAll(async () => {
    found = await dockerEngine()
    if ('why' in found) return
    args = await haveBase(found.engine)
    await found.engine.docker(
      [
        'build',
        '--network=host',
        '--quiet',
        '--tag=git-gate-companion',
        '--file=container/image/Dockerfile',
        ...asOptions(args),
        '.',
      ],
      seconds(1500),
    )
  }, seconds(2400))
  afterAll(async () => {
    if ('engine' in found) await found.engine[Symbol.asyncDispose]()
  })
  const engineOr = (skip: TestContext['skip']): DockerEngine =>
    'engine' in found ? found.engine : skip(found.why)

  test('the image serves a clone, a push and two refusals, as an unprivileged user, on a read-only disk', {
    timeout: seconds(120),
  }, async ({ skip }) => {
    const { docker } = engineOr(skip)
    await using all = new AsyncDisposableStack()
    const passKey = secret()
    const port = somePort()
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

    const adminToken = secret()
    const worker = all.use(
      await startWorker({
        code: fs.readFileSync(inject('worker'), 'utf8'),
        port: 0,
        bindings: {
          GATE_PASS_KEY: passKey,
          GATE_ADMIN_TOKEN: adminToken,
          GATE_COMPANION_URL: `http://127.0.0.1:${port}`,
        },
        log: () => {},
      }),
    )
    const app = all.use(
      await openApp({
        url: worker.url,
        adminToken,
        host: '127.0.0.1',
        identity: admin => admin.identity('deploy'),
      }),
    )
    await pushAndBeRefused(app, await app.clone())

    expect(await inside('id', '-u')).toBe('10001')
    expect(await inside('cat', '/proc/1/comm')).toBe('tini')
    for (const place of ['/gate/container/main.ts', '/gate/new', '/usr/local/bin/gitleaks', '/etc/new']) {
      await expect(inside('sh', '-c', `: >> ${place}`)).rejects.toThrow(/Permission denied|Read-only/)
      const asRoot = docker(['exec', '--user=0', container, 'sh', '-c', `: >> ${place}`])
      await expect(asRoot).rejects.toThrow(/Read-only file system/)
    }
    // No child process inherited a secret, and the companion has removed it from its own environment.
    expect(
      await inside('sh', '-c', 'cat /proc/[0-9]*/environ | tr "\\0" "\\n" | grep -c GATE_IDENTITY_ || true'),
    ).toBe('0')

    await docker(['stop', '--time=20', container])
    expect(await inspect('.State.ExitCode')).toBe('0')
  })

  test('docker compose up on a clean checkout serves, refuses, and keeps its state after a restart', {
    timeout: seconds(600),
  }, async ({ skip }) => {
    const engine = engineOr(skip)
    const hasCompose = await engine.compose(['version'], { cwd: projectRoot }).catch(() => undefined)
    if (hasCompose === undefined) return skip('the Docker here has no compose')
    await using all = new AsyncDisposableStack()
    const checkout = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-checkout-'))
    all.defer(() => fs.rmSync(checkout, { recursive: true, force: true }))
    await gitText(['clone', '-q', '--no-hardlinks', projectRoot, checkout])
    // In the test's own engine only this machine's network reaches further.
    const build = { network: 'host', args }
    fs.writeFileSync(
      path.join(checkout, 'compose.override.yaml'),
      JSON.stringify({ services: { companion: { build }, worker: { build } } }),
    )
    const adminToken = secret()
    const port = somePort()
    const variables = {
      GATE_PASS_KEY: secret(),
      GATE_ADMIN_TOKEN: adminToken,
      GATE_BIND: `127.0.0.1:${port}`,
      COMPOSE_PROJECT_NAME: `gate-${port}`,
    }
    fs.writeFileSync(
      path.join(checkout, '.env'),
      Object.entries(variables)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    )
    const url = `http://${variables.GATE_BIND}`
    const compose = (...args: string[]) => engine.compose(args, { cwd: checkout, within: seconds(500) })
    const up = async () => {
      await compose('up', '--build', '--detach')
      await until(
        () =>
          fetch(`${url}/-/health`).then(
            ({ ok }) => ok || undefined,
            () => undefined,
          ),
        seconds(60),
        () => 'the gate does not answer',
      )
    }
    all.defer(async () => void (await compose('down', '--volumes')))
    await up()
    const host = await engine.gateway()
    const app = all.use(await openApp({ url, adminToken, host, identity: admin => admin.identity('deploy') }))
    const work = await app.clone()
    const commit = await pushAndBeRefused(app, work)
    const before = await app.pushes()
    expect(before.map(({ outcome }) => outcome)).toEqual(['refused', 'refused', 'accepted'])

    await compose('down')
    await up()
    expect(await app.pushes()).toEqual(before)
    const again = await app.clone()
    expect(await again.text(['rev-parse', 'origin/ada/hello'])).toBe(commit)
    const more = await again.commit('Say more', { 'more.txt': 'more\n' })
    expect(await again.push('HEAD:refs/heads/ada/more')).toMatchObject(accepted)
    expect(await app.upstream.ref('refs/heads/ada/more')).toBe(more)
  })

  test('wrangler dev runs a container for a repository: big pushes, lost clients, lost containers', {
    timeout: seconds(600),
  }, async ({ skip }) => {
    const engine = engineOr(skip)
    const { docker } = engine
    await using all = new AsyncDisposableStack()
    const home = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-wrangler-'))
    all.defer(() => fs.rmSync(home, { recursive: true, force: true }))
    const key = await makeKey(path.join(home, 'deploy'))
    const adminToken = secret()
    const worker = all.use(
      await startWranglerDev({
        port: somePort(),
        state: path.join(home, 'state'),
        bindings: {
          GATE_PASS_KEY: secret(),
          GATE_ADMIN_TOKEN: adminToken,
          GATE_IDENTITY_DEPLOY: key.privateKey,
          GATE_OPEN_PUSH_TIMEOUT_SECONDS: '1',
        },
        containers: await wranglerDocker(engine, home, args),
        log: () => {},
      }),
    )
    const app = all.use(
      await openApp({
        url: worker.url,
        adminToken,
        host: await engine.gateway(),
        async identity(admin) {
          await admin.request('POST', '/identities', { name: 'deploy', publicKey: key.publicKey })
          return key.publicKey
        },
      }),
    )
    /** Lists the companion's running containers; the others are Cloudflare's own. */
    const containers = async () => {
      const listed = await docker(['ps', '--no-trunc', '--format={{.ID}} {{.Image}}'])
      return listed.split('\n').flatMap(line => /^(\S+) cloudflare-dev\//.exec(line)?.[1] ?? [])
    }
    const lastPush = (outcome: string) =>
      until(
        async () => {
          await worker.tick()
          return (await app.pushes())[0]?.outcome === outcome ? true : undefined
        },
        seconds(120),
        () => `the last push is not ${outcome}`,
      )

    const work = await app.clone()
    const [first = ''] = await containers()
    // wrangler's explorer for developers would show the ledger to every client.
    const explorer = new URL('/cdn-cgi/local/explorer/api/d1/database', worker.url)
    expect((await fetch(explorer)).status).toBe(401)
    await pushAndBeRefused(app, work)

    // Random bytes do not deflate.
    await work.text(['config', 'core.compression', '0'])
    const big = await work.commit('Something big', { big: megabytes(40) })
    const pushed = await work.git(['push', 'origin', 'HEAD:refs/heads/ada/big'], { within: seconds(240) })
    expect(pushed).toMatchObject(accepted)
    expect(await app.upstream.ref('refs/heads/ada/big')).toBe(big)

    const slow = await app.clone()
    await slow.commit('Something else that is big', { big: megabytes(30) })
    /** Holds a push in its pack, calls `happens`, and lets the push go on. */
    const halfAPush = async (happens: (push: RunningGit) => unknown) => {
      await using link = await faultyLink(Number(new URL(worker.url).port))
      const through = app.url.replace(worker.url.slice('http://'.length), link.url.slice('http://'.length))
      const push = slow.git(['push', through, 'HEAD:refs/heads/ada/half'], { within: seconds(240) })
      await link.carried(10 << 20)
      link.stall()
      await happens(push)
      link.resume()
      return await push
    }

    await halfAPush(push => push.kill())
    await lastPush('abandoned')
    expect(await containers()).toEqual([first])

    const { code } = await halfAPush(() => docker(['kill', first]))
    expect(code).not.toBe(0)
    await lastPush('failed')
    expect(await slow.push('HEAD:refs/heads/ada/half')).toMatchObject(accepted)
    const after = await containers()
    expect(after).toHaveLength(1)
    expect(after).not.toEqual([first])
    const again = await app.clone()
    expect(await again.text(['rev-parse', 'origin/ada/big'])).toBe(big)
  })
})
