import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gitGate } from '../cli/command.ts'
import { cloneIn } from '../harness/clone.ts'
import { accepted, git, gitText, seconds, until } from '../harness/index.ts'
import { COMPANION, launch, processesOf, type Started, start, stateFolder } from './launcher.ts'
import { ownUpstream } from './own-upstream.ts'

async function cloneOf(url: string | undefined, into: string) {
  await gitText(['clone', '-q', url ?? '', into])
  return cloneIn(into)
}

test('npm start prints a clone URL that works in both directions; so does the next start, also if the sshd’s old port is in use', async () => {
  using home = stateFolder()
  const state = path.join(home.dir, "a state's folder (ä)")
  const gate = await start(state, [], { command: ['npm', 'start', '--silent', '--'] })
  expect(gate.stdout().trim().split('\n')).toEqual([
    expect.stringMatching(/^gate: clone http:\/\/demo-agent:gate_\w+_[\w-]+@127\.0\.0\.1:\d+\/demo\.git$/),
    `gate: upstream ${state}/demo/upstream.git`,
    `gate: console ${gate.lines.ready.replace('127.0.0.1', 'git-gate.localhost')}/-/console`,
    expect.stringMatching(/^gate: ready http:\/\/127\.0\.0\.1:\d+$/),
  ])
  const upstream = { cwd: gate.lines.upstream ?? '' }

  const work = await cloneOf(gate.lines.clone, path.join(home.dir, 'first'))
  const commit = await work.commit('Say hello', { 'hello.txt': 'hello\n' })
  expect(await work.push('HEAD:main')).toMatchObject(accepted)
  expect(await gitText(['rev-parse', 'main'], upstream)).toBe(commit)

  const second = await cloneOf(gate.lines.clone, path.join(home.dir, 'second'))
  expect(await second.text(['rev-parse', 'HEAD'])).toBe(commit)

  const tree = await gitText(['rev-parse', 'main^{tree}'], upstream)
  const behind = await gitText(['commit-tree', tree, '-p', 'main', '-m', 'Behind the back'], upstream)
  await gitText(['update-ref', 'refs/heads/main', behind], upstream)
  await second.text(['fetch', '-q'])
  expect(await second.text(['rev-parse', 'origin/main'])).toBe(behind)

  expect(await gate.end('SIGTERM')).toMatchObject({ code: 0 })
  expect(processesOf(home.dir)).toEqual([])

  const taken = net
    .createServer()
    .listen(Number(fs.readFileSync(path.join(state, 'demo/port'), 'utf8')), '127.0.0.1')
  try {
    const next = await start(state)
    const token = (url: string | undefined) => new URL(url ?? '').password
    expect(token(next.lines.clone)).toBe(token(gate.lines.clone))
    expect(await git(['ls-remote', next.lines.clone ?? ''])).toMatchObject(accepted)
    expect(await next.end('SIGTERM')).toMatchObject({ code: 0 })
  } finally {
    taken.close()
  }
})

test('npm start -- --upstream adds an operator’s repository, and then another', async () => {
  using home = stateFolder()
  const state = path.join(home.dir, 'state')
  for (const name of ['one', 'acme/two']) {
    await using upstream = await ownUpstream(home.dir, name)
    const gate = await start(state, upstream.args)
    expect(gate.lines).toMatchObject({
      upstream: upstream.url,
      clone: expect.stringMatching(new RegExp(`/${name}\\.git$`)),
    })
    const work = await cloneOf(gate.lines.clone, path.join(home.dir, `work-${path.basename(name)}`))
    const commit = await work.commit('Say hello', { 'hello.txt': 'hello\n' })
    expect(await work.push('HEAD:refs/heads/demo-agent/hello')).toMatchObject(accepted)
    expect(await upstream.server.ref('refs/heads/demo-agent/hello')).toBe(commit)
    expect(await gate.end('SIGTERM')).toMatchObject({ code: 0 })
  }
  expect(processesOf(home.dir)).toEqual([])
})

describe('a running gate', () => {
  let home: ReturnType<typeof stateFolder>
  let state: string
  let gate: Started
  beforeAll(async () => {
    home = stateFolder()
    state = path.join(home.dir, 'state')
    gate = await start(state)
  })
  afterAll(async () => {
    // SIGINT, since other tests end their gates with SIGTERM.
    expect(await gate.end('SIGINT')).toMatchObject({ code: 0 })
    expect(processesOf(home.dir)).toEqual([])
    home[Symbol.dispose]()
  })

  test('the agent of the demo may rewrite its own branches only', async () => {
    const work = await cloneOf(gate.lines.clone, path.join(home.dir, 'own-branches'))
    await work.commit('One', { file: 'one\n' })
    expect(
      await work.push('HEAD:refs/heads/demo-agent/x', 'HEAD:refs/heads/topic', 'HEAD:refs/tags/v1'),
    ).toMatchObject(accepted)
    await work.text(['commit', '-q', '--amend', '-m', 'Another one'])
    expect(await work.push('--force', 'HEAD:refs/heads/demo-agent/x')).toMatchObject(accepted)
    expect(await work.push('--delete', 'refs/heads/demo-agent/x')).toMatchObject(accepted)
    expect((await work.push('--force', 'HEAD:refs/heads/topic')).output).toMatch(
      /! \[remote rejected\].*git-gate/,
    )
    expect((await work.push('--delete', 'refs/tags/v1')).output).toMatch(/! \[remote rejected\].*git-gate/)
  })

  test('no other gate starts on its state folder', async () => {
    expect(await launch(state).ended).toMatchObject({
      code: 1,
      stderr: `gate: another gate runs on ${state}; stop it, or give this one a GATE_HOME of its own\n`,
    })
  })

  test('the command line finds a running gate by its state folder', async () => {
    expect(fs.statSync(path.join(state, 'admin.json')).mode & 0o777).toBe(0o600)
    const listing = launch(state, ['repo', 'list', '--json'], { command: ['git-gate'] })
    const { code, stdout } = await listing.ended
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject([{ name: 'demo' }])
  })

  test('a companion that dies is restarted, and the gate goes on', async () => {
    const before = gate.stderr().length
    const [companion] = processesOf(home.dir).filter(line => line.includes(COMPANION))
    process.kill(Number.parseInt(companion ?? '', 10), 'SIGKILL')
    await until(
      () =>
        /the companion exited \(SIGKILL\); restarting it/.test(gate.stderr().slice(before))
          ? true
          : undefined,
      seconds(10),
      gate.stderr,
    )
    await until(
      async () => ((await git(['ls-remote', gate.lines.clone ?? ''])).code === 0 ? true : undefined),
      seconds(20),
      gate.stderr,
    )
  })

  test('a companion that dies during its restart is restarted again', async () => {
    const killCompanion = (but: readonly string[] = []) =>
      until(
        () => {
          const found = processesOf(home.dir).find(
            line => line.includes(COMPANION) && !line.includes('die-with-parent') && !but.includes(line),
          )
          if (found) process.kill(Number.parseInt(found, 10), 'SIGKILL')
          return found
        },
        seconds(20),
        () => 'there is no companion',
      )
    const first = await killCompanion()
    await killCompanion([first])
    await until(
      async () => ((await git(['ls-remote', gate.lines.clone ?? ''])).code === 0 ? true : undefined),
      seconds(40),
      () => `the gate does not go on: ${gate.stderr()}`,
    )
  })

  test('a workerd that dies is restarted, and the scheduled work goes on', async () => {
    const told = Promise.withResolvers<void>()
    const receiver = http.createServer((_request, response) => {
      response.end()
      told.resolve()
    })
    await once(receiver.listen(0, '127.0.0.1'), 'listening')
    const { port } = receiver.address() as net.AddressInfo
    const added = await gitGate(['webhook', 'add', `http://127.0.0.1:${port}/`], {
      env: { GATE_HOME: state },
    })
    expect(added).toMatchObject({ code: 0 })

    const workerd = processesOf(home.dir).find(line => /workerd\S* serve/.test(line))
    process.kill(Number.parseInt(workerd ?? '', 10), 'SIGKILL')
    const work = await until(
      () => cloneOf(gate.lines.clone, path.join(home.dir, 'work')).catch(() => undefined),
      seconds(40),
      () => `the gate does not go on: ${gate.stderr()}`,
    )
    await work.commit('Say hello', { 'hello.txt': 'hello\n' })
    expect(await work.push('HEAD:main')).toMatchObject(accepted)
    // Only the scheduled work sends webhooks, every few seconds.
    await told.promise
    receiver.close()
  })
})
