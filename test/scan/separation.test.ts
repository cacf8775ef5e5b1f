import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { secrets } from '../../container/checks/secrets/index.ts'
import { anyKey, awsKeyId, githubToken, privateKey, prose } from './fixtures/fakes.ts'
import { gitleaks } from './fixtures/gitleaks.ts'
import { type PassChanges, templates, type WorkTree, workTree } from './fixtures/repositories.ts'

// An allowed text, entry, place or history hides no finding of the next one.

const settings = { gitleaks, seconds: 60, maxBlobBytes: 50 << 20, fingerprintKey: 'a key for tests' }
const check = secrets(settings)

let tree: WorkTree
beforeEach(async () => {
  tree = await workTree()
})
afterEach(() => tree.dispose())
afterAll(() => templates.dispose())

async function scan(refs: readonly string[] = ['main'], pass?: PassChanges) {
  const push = await tree.push(refs, pass)
  const refusals = await check.run(push, () => {}, new AbortController().signal)
  const { findings, scanned } = push.record
  return {
    refused: refusals.map(({ ref }) => ref),
    findings,
    summaries: findings.map(({ rule, path, line }) => `${rule} ${path}:${line}`).sort(),
    bytes: scanned.bytes,
  }
}

const base64 = (text: string) => Buffer.from(text).toString('base64')
const secretYaml = (...entries: readonly string[]) =>
  `apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\ntype: Opaque\ndata:\n${entries.map(each => `  ${each}\n`).join('')}`

test('a name without a value at the end of a file does not take the next file for its value', async () => {
  await tree.write('config/.env.example', '# copy to .env.local\nPORT=80\nAPI_KEY=\n')
  await tree.write('config/.env.local', `CLIENT_SECRET="${anyKey()}"\nPORT=80\n`)
  await tree.commit()
  expect((await scan()).summaries).toEqual(['generic-api-key config/.env.local:1'])
})

test('a name without a value at the end of all files does not take the canary for its value', async () => {
  await tree.write('.env.example', 'API_KEY=\n')
  await tree.commit()
  expect((await scan()).summaries).toEqual([])
})

/** Split, so that no scanner takes a line below for its use. */
const TOOL = ['cu', 'rl'].join('')

test.each([
  [
    'a key without an end',
    `${'-----BEGIN'} PRIVATE KEY-----\nfalse\n${prose(200)}`,
    privateKey(),
    'private-key b.yaml:1',
  ],
  [
    'a command with an open quote',
    `${TOOL} -u "user:false\n`,
    `1\n2\n3\n4\n5\n6\n${TOOL} -u 'user:7${anyKey()}' -d " {}"\n`,
    'curl-auth-user b.yaml:7',
  ],
  [
    'a map without a kind',
    'data:\n  a: ""\n',
    `kind: Secret\ndata:\n  b: ${base64(anyKey())}\n`,
    'kubernetes-secret-yaml b.yaml:3',
  ],
])('%s does not reach into the next file', async (_, before, after, summaries) => {
  await tree.write('a.yaml', before)
  await tree.write('b.yaml', after)
  await tree.commit()
  expect((await scan()).summaries).toContain(summaries)
})

test('a file that upstream removed is found when a branch restores it, beside a branch that still has it', async () => {
  const content = `const token = "${githubToken()}"\n`
  await tree.write('app.ts', content)
  const old = await tree.commit('Old')
  await tree.write('app.ts', 'clean\n')
  await tree.commit('Purge')
  await tree.publish('main')
  await tree.git('checkout', '--quiet', '-b', 'side', old)
  await tree.write('app.ts', 'const x = 1\n')
  await tree.commit('Side')
  await tree.write('app.ts', content)
  await tree.commit('Back, where upstream still has it')
  expect((await scan(['side'])).summaries).toEqual([])
  await tree.git('checkout', '--quiet', 'main')
  await tree.write('app.ts', content)
  await tree.commit('Revert')
  expect((await scan(['side', 'main'])).refused).toEqual(['refs/heads/main'])
})

test('an exception for a key store does not cover another key store at its path', async () => {
  await tree.write('test/store.p12', 'a key store for tests')
  await tree.commit()
  const [{ fingerprint = '' } = {}] = (await scan()).findings
  const exceptions = [{ id: 'e', fingerprint, until: null }]
  await tree.commit('Nothing')
  expect((await scan(['main'], { exceptions })).refused).toEqual([])
  await tree.write('test/store.p12', 'the key store of production')
  await tree.commit()
  expect((await scan(['main'], { exceptions })).refused).toEqual(['refs/heads/main'])
})

test('a file is scanned once for each scan name, whatever its extensions', async () => {
  const text = prose(300_000)
  for (let i = 0; i < 20; i++) await tree.write(`many/f.e${i}`, text)
  await tree.commit()
  expect((await scan()).bytes).toBeLessThan(500_000)
})

test('a key store is found beside the same content under a name that is only an extension', async () => {
  await tree.write('.p12', 'a key store')
  await tree.write('a.p12', 'a key store')
  await tree.commit()
  expect((await scan()).summaries).toEqual(['pkcs12-file a.p12:1'])
})

test('a second tree line in a commit header is scanned', async () => {
  const id = await tree.commit()
  const commit = await tree.git('cat-file', 'commit', id)
  const extraLine = `tree ${Buffer.from(awsKeyId()).toString('hex')}`
  await tree.write('../commit', `${commit.replace('\n\n', `\n${extraLine}\n\n`)}\n`)
  const commitId = await tree.git('hash-object', '-t', 'commit', '-w', '--literally', '../commit')
  expect((await scan([`${commitId}:refs/heads/x`])).summaries).toEqual([
    expect.stringMatching(/^aws-access-token commit header:/),
  ])
})

test('every entry of a Kubernetes secret is a finding, beside known and excepted entries', async () => {
  const [user, password, key] = ['the-database-user', 'Tr0ub4dor&3-horse', 'an-api-key-of-ours'].map(base64)
  await tree.write('k.yaml', secretYaml(`username: ${user}`))
  await tree.commit()
  const [{ fingerprint = '' } = {}] = (await scan()).findings
  const exceptions = [{ id: 'e', fingerprint, until: null }]
  await tree.git('branch', 'first')
  await tree.write('k.yaml', secretYaml(`username: ${user}`, `db: ${password}`, 'api: |', `  ${key}`))
  await tree.commit()
  const excepted = await scan(['main'], { exceptions })
  expect(excepted.refused).toEqual(['refs/heads/main'])
  expect(excepted.summaries).toEqual([7, 8, 9].map(line => `kubernetes-secret-yaml k.yaml:${line}`))
  await tree.publish('first:main')
  const beside = await scan()
  expect(beside.summaries).toEqual([8, 9].map(line => `kubernetes-secret-yaml k.yaml:${line}`))
  await tree.publish('main')
  await tree.write(
    'k.yaml',
    `# ours\n${secretYaml(`username: ${user}`, `db: ${password}`, 'api: |', `  ${key}`)}`,
  )
  await tree.commit()
  expect((await scan()).summaries).toEqual([])
})

test('other documents, other maps and templates have no entries of a secret', async () => {
  const map = `kind: ConfigMap\ndata:\n  mode: ${base64('the usual one')}\n`
  const template = secretYaml('a: {{ .Values.a | b64enc }}', 'b: ""').replace('data:', 'stringData:')
  await tree.write('k.yaml', `${map}---\n${template}`)
  await tree.commit()
  expect((await scan()).summaries).toEqual([])
})

const keyring = (bytes: number) => {
  const body = randomBytes(bytes).toString('base64').replace(/.{64}/g, '$&\n')
  const kind = 'PGP PRIVATE KEY BLOCK-----'
  return `-----BEGIN ${kind}\n\n${body}\n=abcd\n-----END ${kind}\n`
}

test.each([
  ['longer than the overlap of two windows, across their border', prose(80_000), keyring(15_000)],
  ['longer than a window', '', keyring(82_000)],
  ['longer than three windows, in the middle of text', prose(60_000), `${keyring(160_000)}${prose(9_000)}`],
])('a private key %s is found, and known when upstream has it', async (_, before, key) => {
  const line = before.split('\n').length
  await tree.write('keys.asc', `${before}${key}`)
  await tree.commit()
  expect((await scan()).summaries).toEqual([`private-key keys.asc:${line}`])
  await tree.publish('main')
  await tree.write('keys.asc', `# ours\n${before}${key}`)
  await tree.commit()
  expect((await scan()).summaries).toEqual([])
})

test('a long program that names the header and the footer of a private key has no finding', async () => {
  const ends = ['BEGIN', 'END'].map(word => `const ${word} = '-----${word} RSA PRIVATE KEY-----'\n`)
  await tree.write('pem.js', `${ends[0]}${prose(150_000)}${ends[1]}`)
  await tree.commit()
  expect((await scan()).summaries).toEqual([])
})
