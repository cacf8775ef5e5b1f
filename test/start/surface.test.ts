import { randomInt, randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { descendantsOf } from '../../local/process/processes.ts'
import { projectRoot } from '../../local/worker/bundle.ts'
import { startAdminGate } from '../api/fixtures/admin-gate.ts'
import { cloneIn } from '../harness/clone.ts'
import { accepted, gitText, seconds } from '../harness/index.ts'
import { launch, type Started, start, stateFolder } from './launcher.ts'
import { filesBelow, greetingOf, hasIPv6, listenersOf } from './surface.ts'

/** Variables that name folders in which programs store files; each gets an empty folder. */
const PLACES = ['HOME', 'XDG_CONFIG_HOME', 'XDG_CACHE_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME', 'TMPDIR']

/** Short names, as the path of a Unix socket below TMPDIR is limited to 108 bytes. */
function emptyPlaces(dir: string) {
  const places = PLACES.map((name, at) => ({ name, folder: path.join(dir, String(at)) }))
  for (const { folder } of places) fs.mkdirSync(folder, { mode: 0o755 })
  return {
    env: Object.fromEntries(places.map(({ name, folder }) => [name, folder])),
    /** Lists the new files there: the variable, and the path below it. */
    made: () =>
      places.flatMap(({ name, folder }) => filesBelow(folder).map(file => `${name} ${file.name}`)).sort(),
    open: () => places.flatMap(({ folder }) => openIn(folder)),
  }
}

/** Pushes and clones once through the gate. */
async function use(gate: Started, dir: string): Promise<void> {
  const into = path.join(dir, 'work')
  await gitText(['clone', '-q', gate.lines.clone ?? '', into])
  const work = cloneIn(into)
  await work.commit('Say hello', { 'hello.txt': 'hello\n' })
  expect(await work.push('HEAD:refs/heads/demo-agent/hello')).toMatchObject(accepted)
}

/** Lists the files of a folder that other users can access. */
const openIn = (folder: string) =>
  filesBelow(folder)
    .filter(({ mode }) => mode & 0o077)
    .map(({ name, mode }) => `${mode.toString(8)} ${name}`)

/** Lists the addresses that a used gate listens on, by program, and the answer to a stranger there. */
async function surfaceOf(gate: Started): Promise<string[]> {
  const { host, port } = new URL(gate.lines.ready)
  const known = [host, `[::1]:${port}`]
  const listeners = listenersOf(gate.child.pid ?? -1)
  return (
    await Promise.all(
      listeners.map(async ({ kind, at, program }) => {
        const is = kind !== 'tcp' ? at : known.includes(at) ? 'the gate' : await greetingOf(at)
        return `${[kind, ...(kind === 'unix' ? [] : [at.replace(/:\d+$/, '')]), program].join(' ')}: ${is}`
      }),
    )
  ).sort()
}

/** In the project: the companion's compile cache, the test runner's cache, the bundle of `npm run dev`. */
const IN_PROJECT = /\/(node_modules\/\.cache|node_modules\/\.vite\S*|\.wrangler)$/

/** Lists unknown folders in the project, of the kind that packages write to. */
const projectPlaces = () =>
  [projectRoot, path.join(projectRoot, 'node_modules')].flatMap(folder =>
    fs
      .readdirSync(folder)
      .filter(name => name.startsWith('.'))
      .map(name => path.join(folder, name))
      .filter(place => !IN_PROJECT.test(place)),
  )

/** In TMPDIR: miniflare's folder for mail that a Worker sends, and the companion's for ssh's control sockets. */
const TEMPORARY = [
  /^TMPDIR gate-sockets-\w{6}(\/owner)?$/,
  /^TMPDIR gate-sockets-\w{6}\/[0-9a-f]{16}\.\d+$/,
  /^TMPDIR miniflare-[0-9a-f]{32}(\/email-store(\/miniflare-email-store(\/metadata\.sqlite(-shm|-wal)?)?)?)?$/,
]
const isUnknown = (file: string) => !TEMPORARY.some(known => known.test(file))

const CONTROL_SOCKET = /^unix ssh: .*\/gate-sockets-\w{6}\/[0-9a-f]{16}\.\d+\.\w+$/

describe('npm start, after a clone and a push', () => {
  let home: ReturnType<typeof stateFolder>
  let places: ReturnType<typeof emptyPlaces>
  let before: string[]
  let gate: Started
  const programs = () => descendantsOf(gate.child.pid ?? -1)
  beforeAll(async () => {
    home = stateFolder()
    places = emptyPlaces(home.dir)
    before = projectPlaces()
    const low = 'ulimit -S -n 1024; exec node local/start.ts'
    gate = await start(path.join(home.dir, 'state'), [], { env: places.env, command: ['sh', '-c', low] })
    await use(gate, home.dir)
  }, seconds(120))
  afterAll(() => home[Symbol.dispose]())

  test('it listens on loopback at known ports, and at sockets of its owner', async () => {
    expect(await surfaceOf(gate)).toEqual([
      'tcp 127.0.0.1 node container.mjs: HTTP 403',
      // workerd calls its launcher here: each call carries a secret of this start.
      'tcp 127.0.0.1 node start.ts: HTTP 403',
      expect.stringMatching(/^tcp 127\.0\.0\.1 node start\.ts: SSH-2\.0-/),
      'tcp 127.0.0.1 workerd: the gate',
      ...(hasIPv6 ? ['tcp [::1] node start.ts: the gate'] : []),
      `unix node start.ts: ${path.join(home.dir, 'state/gate.sock')}`,
      expect.stringMatching(CONTROL_SOCKET),
    ])
  })

  test('the request by which the launcher reads the ledger needs a secret of this start', async () => {
    const body = JSON.stringify({ binding: 'LEDGER', statements: [{ sql: 'SELECT * FROM tokens' }] })
    const ask = (headers: Record<string, string>) =>
      fetch(gate.lines.ready ?? '', { method: 'POST', headers, body })
    const guessed = await ask({ authorization: `Local ${randomUUID()}` })
    expect([guessed.status, await guessed.text()]).toEqual([401, await (await ask({})).text()])
  })

  test('every file and folder under GATE_HOME is for its owner alone', () => {
    expect(openIn(path.join(home.dir, 'state'))).toEqual([])
  })

  test('outside GATE_HOME there are temporary files alone, for their owner alone', () => {
    expect(places.made().filter(isUnknown)).toEqual([])
    expect(places.open()).toEqual([])
    expect(projectPlaces()).toEqual(before)
  })

  test('no process of the build stays', () => {
    expect(programs().map(({ name }) => name)).not.toContain('esbuild')
  })

  test('workerd and the companion may hold as many descriptors as the system lets their user have', () => {
    const limits = programs()
      .filter(({ name }) => /^(workerd|node|MainThread)$/.test(name))
      .map(({ pid }) => /^Max open files +(\d+) +(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/limits`, 'utf8')))
    expect(limits).toHaveLength(2)
    for (const limit of limits) expect(limit?.[1]).toBe(limit?.[2])
  })

  test('no file outside GATE_HOME outlives it', async () => {
    expect(await gate.end('SIGTERM')).toMatchObject({ code: 0 })
    expect(places.made()).toEqual([])
  })

  test('the next start closes a GATE_HOME that others may read, and a line says so', async () => {
    const state = path.join(home.dir, 'state')
    for (const file of ['.', 'keys.json', 'admin.json']) fs.chmodSync(path.join(state, file), 0o755)
    const next = await start(state)
    expect(next.stderr()).toBe(
      `gate: GATE_HOME ${state} was open to other users (mode 755); its mode is now 700\n`,
    )
    expect(openIn(state)).toEqual([])
    expect(fs.statSync(state).mode & 0o777).toBe(0o700)
    expect(await next.end('SIGTERM')).toMatchObject({ code: 0 })
  })
})

test('compose’s Worker listens at its port and at a loopback port that is closed to strangers', async () => {
  using home = stateFolder()
  const places = emptyPlaces(home.dir)
  const worker = await start(path.join(home.dir, 'state'), [], {
    command: ['node', 'local/serve-worker.ts'],
    env: {
      ...places.env,
      GATE_PASS_KEY: 'p'.repeat(64),
      GATE_ADMIN_TOKEN: 'a'.repeat(64),
      GATE_COMPANION_URL: 'http://127.0.0.1:9',
    },
  })
  expect(await surfaceOf(worker)).toEqual([
    'tcp 127.0.0.1 node serve-worker.ts: HTTP 403',
    'tcp 127.0.0.1 workerd: the gate',
  ])
  expect(places.made().filter(isUnknown)).toEqual([])
  expect(places.open()).toEqual([])
  expect(await worker.end('SIGTERM')).toMatchObject({ code: 0 })
  expect(places.made()).toEqual([])
})

test('npm run dev opens neither an inspector nor a debug port, and shows the ledger to nobody', async () => {
  using home = stateFolder()
  const places = emptyPlaces(home.dir)
  const before = projectPlaces()
  const gate = await start(path.join(home.dir, 'state'), [], {
    command: ['node', 'local/dev.ts'],
    env: { ...places.env, PORT: String(randomInt(20_000, 30_000)) },
  })
  await use(gate, home.dir)
  expect(await surfaceOf(gate)).toEqual([
    'tcp 127.0.0.1 node container.mjs: HTTP 403',
    expect.stringMatching(/^tcp 127\.0\.0\.1 node dev\.ts: SSH-2\.0-/),
    // workerd calls wrangler here: for the Worker, and for the proxy that stays when the Worker reloads.
    'tcp 127.0.0.1 node wrangler-dev-server.ts: HTTP 403',
    'tcp 127.0.0.1 node wrangler-dev-server.ts: HTTP 403',
    // The gate behind the proxy asks for the same tokens.
    'tcp 127.0.0.1 workerd: HTTP 401',
    'tcp 127.0.0.1 workerd: the gate',
    ...(hasIPv6 ? ['tcp [::1] node dev.ts: the gate'] : []),
    `unix node dev.ts: ${path.join(home.dir, 'state/gate.sock')}`,
    expect.stringMatching(CONTROL_SOCKET),
  ])
  expect(places.made().filter(isUnknown)).toEqual([])
  expect(places.open()).toEqual([])
  // wrangler prints this if it cannot fetch an example from Cloudflare.
  expect(gate.stderr()).not.toContain('Request.cf')
  expect(projectPlaces()).toEqual(before)
  expect(await gate.end('SIGTERM')).toMatchObject({ code: 0 })
  expect(places.made()).toEqual([])
})

test('a workerd of the tests listens at its port alone', async () => {
  const before = new Set(descendantsOf(process.pid).map(({ pid }) => pid))
  await using gate = await startAdminGate()
  const workerds = descendantsOf(process.pid).filter(
    ({ pid, name }) => name === 'workerd' && !before.has(pid),
  )
  expect(workerds).toHaveLength(1)
  expect(workerds.flatMap(({ pid }) => listenersOf(pid)).map(({ at }) => at)).toEqual([
    new URL(gate.url).host,
  ])
})

test('a GATE_HOME that others may have written to is refused in one line', async () => {
  using home = stateFolder()
  const state = path.join(home.dir, 'state')
  fs.mkdirSync(state)
  fs.writeFileSync(path.join(state, 'keys.json'), '{}')
  fs.chmodSync(state, 0o777)
  const ended = await launch(state).ended
  expect(ended).toMatchObject({
    code: 1,
    stdout: '',
    stderr: `gate: GATE_HOME ${state} cannot be used: other users may write to it (mode 777); look at what is in it, then: chmod 700 '${state}'\n`,
  })
})

test.skipIf(process.getuid?.() !== 0)('a GATE_HOME of another user is refused in one line', async () => {
  using home = stateFolder()
  const state = path.join(home.dir, 'state')
  fs.mkdirSync(state, { mode: 0o700 })
  fs.chownSync(state, 65_534, 65_534)
  expect(await launch(state).ended).toMatchObject({
    code: 1,
    stdout: '',
    stderr: `gate: GATE_HOME ${state} cannot be used: it belongs to another user; give the gate a folder of its own\n`,
  })
})
