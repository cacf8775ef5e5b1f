import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { expect, test } from 'vitest'
import { launch, processesOf, stateFolder } from './launcher.ts'

const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nnot one\n-----END OPENSSH PRIVATE KEY-----\n'

test.each([
  [['--upstrem', 'x'], /--upstrem/],
  [['repository'], /repository/],
  [['--name', 'app'], /--name needs --upstream URL/],
  [['--upstream', 'git@example.com:a/b.git'], /--upstream needs --identity FILE/],
  [['--upstream', 'git@example.com:a/b.git', '--identity', 'KEY'], /--upstream needs --known-hosts FILE/],
  [
    ['--upstream', 'git@example.com:a/b.git', '--identity', 'none', '--known-hosts', 'HOSTS'],
    /--identity none: this file cannot be read/,
  ],
  [
    ['--upstream', 'git@example.com:a/b.git', '--identity', 'HOSTS', '--known-hosts', 'HOSTS'],
    /is not a private key/,
  ],
  [
    [
      '--upstream',
      'git@example.com:a/b.git',
      '--identity',
      'KEY',
      '--known-hosts',
      'HOSTS',
      '--name',
      'a//b',
    ],
    /--name a\/\/b: a repository name has/,
  ],
  [['--upstream', 'git@example.com:a/b.git', '--identity', 'KEY', '--known-hosts', 'HOSTS'], /./],
])('npm start -- %s ends with one clear line', async (args, line) => {
  using home = stateFolder()
  const files: Record<string, string> = { KEY: key, HOSTS: 'example.org ssh-ed25519 AAAA\n' }
  for (const [name, content] of Object.entries(files)) fs.writeFileSync(path.join(home.dir, name), content)
  const ended = await launch(path.join(home.dir, 'state'), args, { env: { INIT_CWD: home.dir } }).ended
  expect(ended).toMatchObject({ code: 2, stdout: '' })
  expect(ended.stderr).toMatch(/^gate: .*\n$/)
  expect(ended.stderr).toMatch(line)
  expect(processesOf(home.dir)).toEqual([])
})

test('--help lists the arguments', async () => {
  using home = stateFolder()
  const ended = await launch(path.join(home.dir, 'state'), ['--help']).ended
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  expect(ended.stdout).toContain('--known-hosts FILE')
})

test.each([
  ['PORT', 'eighty'],
  ['GATE_RETENTION_DAYS', 'often'],
  ['GATE_MAX_PUSH_BYTES', '4GiB'],
  ['GATE_SCAN_SECONDS', '0'],
  ['GATE_ACCESS_TEAM', 'acme.cloudflareaccess.com'],
  ['GATE_CONSOLE_HOST', 'git-gate.localhost:8787'],
])('an invalid setting is named: %s=%s', async (name, value) => {
  using home = stateFolder()
  const ended = await launch(path.join(home.dir, 'state'), [], { env: { [name]: value } }).ended
  expect(ended).toMatchObject({ code: 2, stdout: '' })
  expect(ended.stderr).toMatch(new RegExp(`^gate: ${name}: .*\n$`))
  expect(processesOf(home.dir)).toEqual([])
})

test.each(['correct horse battery staple', 'ä'.repeat(30), '0123456789'.repeat(30)])(
  'an admin token that the console or the API could not accept is refused: %s',
  async token => {
    using home = stateFolder()
    const { ended } = launch(path.join(home.dir, 'state'), [], { env: { GATE_ADMIN_TOKEN: token } })
    const { code, stdout, stderr } = await ended
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^gate: GATE_ADMIN_TOKEN: .*\n$/)
    expect(stderr).not.toContain(token)
  },
)

test('git:// is refused with PORT=0, since the companion could not call the Worker', async () => {
  using home = stateFolder()
  const env = { PORT: '0', GATE_GIT_LISTEN: '127.0.0.1:0', GATE_GIT_AGENT: 'demo-agent' }
  expect(await launch(path.join(home.dir, 'state'), [], { env }).ended).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^gate: PORT: .*GATE_GIT_LISTEN.*\n$/),
  })
  expect(processesOf(home.dir)).toEqual([])
})

test.each(['PORT', 'COMPANION_PORT'])('a %s in use ends the start with one line', async setting => {
  using home = stateFolder()
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  const ended = await launch(path.join(home.dir, 'state'), [], { env: { [setting]: String(port) } }).ended
  server.close()
  expect(ended).toMatchObject({
    code: 1,
    stderr: `gate: port ${port} is in use; stop what listens there, or set ${setting} to another\n`,
  })
})
