import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Duplex } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { spawnGroup } from '../../container/process/spawn.ts'
import { answerCredential } from '../../container/upstream/https/credential-channel.ts'
import { openCredentials } from '../../container/upstream/https/credentials.ts'
import { HelperReader } from '../../container/upstream/remote-helper.ts'
import { Upstream } from '../../src/contract/companion-api/pass.ts'
import { CredentialName } from '../../src/contract/names.ts'

const UPSTREAM = 'https://forge.example.org/acme/My%20App.git'
const HELPER = path.join(import.meta.dirname, '../../container/upstream/https/credential-helper.sh')
const OWN = 'protocol=https\nhost=forge.example.org\npath=acme/My App.git\n'

let folder: string
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-credentials-'))
})
afterAll(() => fs.rmSync(folder, { recursive: true }))

/** Runs the helper as git does, each operation with its input, on one socket. Returns what it prints. */
async function askHelper(...asked: [operation: string, input: string][]) {
  const refused: string[] = []
  const script = asked.map(([operation], i) => `"$0" ${operation} <"$1/${i}"; echo --`).join('\n')
  asked.forEach(([, input], i) => {
    fs.writeFileSync(path.join(folder, String(i)), input)
  })
  const child = spawnGroup('sh', ['-c', script, HELPER, folder], {
    signal: AbortSignal.timeout(10_000),
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit', 'ignore', 'pipe'],
  })
  answerCredential(child.stdio[4] as Duplex, UPSTREAM, { user: 'bot', token: 'a token' }, token =>
    refused.push(token),
  )
  let printed = ''
  child.stdout?.on('data', chunk => {
    printed += chunk
  })
  await once(child, 'close')
  return { answers: printed.split('--\n').slice(0, -1), refused }
}

test('git is given the credential once, for the upstream itself', async () => {
  const { answers, refused } = await askHelper(['get', OWN], ['store', OWN], ['get', OWN])
  expect(answers).toEqual(['username=bot\npassword=a token\n', '', 'quit=1\n'])
  expect(refused).toEqual([])
})

test.each([
  ['another host', OWN.replace('forge.', 'evil.')],
  ['another port', OWN.replace('example.org', 'example.org:8443')],
  ['another repository', OWN.replace('My App', 'other')],
  ['no TLS', OWN.replace('https', 'http')],
  ['no path', OWN.replace(/path=.*\n/, '')],
])('%s is given nothing, and the upstream still is', async (_, asked) => {
  const { answers } = await askHelper(['get', asked], ['get', OWN])
  expect(answers).toEqual(['quit=1\n', 'username=bot\npassword=a token\n'])
})

test('a token that the host refuses is reported, and no other text', async () => {
  const erase = (password: string): [string, string] => [
    'erase',
    `${OWN}username=bot\npassword=${password}\n`,
  ]
  expect((await askHelper(['get', OWN], erase('another'), erase('a token'))).refused).toEqual(['a token'])
})

test('an upstream without protocol version 2 lists its refs through the helper', () => {
  const [asked, lines]: [string[], string[]] = [[], []]
  const list = {
    push: () => undefined,
    takeHelperLine: (line: string) => lines.push(line),
    answer: () => lines,
  }
  const reader = new HelperReader(list, Buffer.from('question'), bytes => asked.push(String(bytes)))
  expect(reader.push(Buffer.from('fallback\n'))).toBeUndefined()
  expect(reader.push(Buffer.from('@refs/heads/main HEAD\n1234 refs/hea'))).toBeUndefined()
  expect(reader.push(Buffer.from('ds/main\n\n'))).toEqual(['@refs/heads/main HEAD', '1234 refs/heads/main'])
  expect(asked).toEqual(['list\n'])
})

test('secrets leave the environment for files of mode 600, and a stored one goes before', async () => {
  const [credentials, env] = [path.join(folder, 'store'), { GATE_CREDENTIAL_BOT: 'from outside', PATH: '' }]
  const store = await openCredentials(credentials, env)
  expect(env).toEqual({ PATH: '' })
  const upstream = {
    name: 'app',
    url: UPSTREAM,
    identity: null,
    knownHosts: '',
    ca: '',
    proxy: '',
    staleReads: false,
    credential: { name: 'bot', user: 'git', app: null },
  }
  const held = () => store.tokenFor(Upstream.parse(upstream), AbortSignal.timeout(5_000))
  expect(await held()).toEqual({ user: 'git', token: 'from outside' })
  const bot = CredentialName.parse('bot')
  await store.store(bot, 'set here\n')
  expect(await held()).toEqual({ user: 'git', token: 'set here' })
  expect([await store.forget(bot), await store.forget(bot)]).toEqual([true, false])
  for (const name of fs.readdirSync(credentials))
    expect(fs.statSync(path.join(credentials, name)).mode & 0o777).toBe(0o600)
})
