import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accepted, type Gate, rejected, sharedGate } from '../harness/index.ts'

const push = ['{agent}/**']

let gate: Gate
let keys: string
beforeAll(async () => {
  keys = fs.mkdtempSync(path.join(os.tmpdir(), 'git-gate-keys-'))
  gate = await sharedGate()
})
afterAll(async () => {
  await gate[Symbol.asyncDispose]()
  fs.rmSync(keys, { recursive: true, force: true })
})

/** Creates an SSH key. Returns its file and its public key. */
function newKey(name: string): { file: string; line: string } {
  const file = path.join(fs.mkdtempSync(path.join(keys, 'ssh-')), name)
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file])
  return { file, line: fs.readFileSync(`${file}.pub`, 'utf8').trim() }
}

test('the author and the committer of every commit need an allowed address', async () => {
  const agent = await gate.agent('mail', { push, emails: ['*@acme.example', 'bot@example.com'] })
  const work = await agent.clone()
  const commitAs = async (author: string, committer: string) => {
    const env = { GIT_AUTHOR_EMAIL: author, GIT_COMMITTER_EMAIL: committer }
    expect(await work.git(['commit', '-q', '--allow-empty', '-m', 'Work'], { env })).toMatchObject(accepted)
    return work.text(['rev-parse', 'HEAD'])
  }
  const author = await commitAs('eve@elsewhere.example', 'ada@acme.example')
  const authorPush = await work.push('HEAD:mail/a')
  expect(authorPush).toMatchObject(rejected)
  expect(authorPush.output).toContain(`(git-gate: commit ${author.slice(0, 7)}: author eve@elsewhere.example`)
  // Neither a valid commit on top nor a .mailmap helps.
  await work.commit('Map', { '.mailmap': 'Ada <ada@acme.example> <eve@elsewhere.example>\n' })
  expect(await work.push('HEAD:mail/b')).toMatchObject(rejected)
  await work.text(['reset', '-q', '--hard', 'origin/main'])
  await commitAs('bot@example.com', 'bot@example.com.evil.example')
  const committerPush = await work.push('HEAD:mail/c')
  expect(committerPush.output).toContain('committer bot@example.com.evil.example')
  await work.text(['reset', '-q', '--hard', 'origin/main'])
  await commitAs('bot@example.com', 'ada@acme.example')
  expect(await work.push('HEAD:mail/d')).toMatchObject(accepted)
})

test.for([
  'eve@evil.example@acme.example',
  '"eve@evil.example"@acme.example',
  '"eve"@acme.example',
  'eve@evil.example,ada@acme.example',
  'eve@evil.example;ada@acme.example',
  'eve@evil.example(ada@acme.example',
  'eve@evil.example ada@acme.example',
  'Eve:eve@evil.example;@acme.example',
  'eve[evil.example]@acme.example',
  'eve\\@evil.example\\@acme.example',
  'eve\u200b@acme.example',
  'eve\u202emoc.live@acme.example',
  '@acme.example',
])('an address that is read in more than one way fits no pattern: %j', async address => {
  const name = `mail${counter++}`
  const agent = await gate.agent(name, {
    push,
    emails: ['*@acme.example', '**', address.replaceAll(' ', '?')],
  })
  const work = await agent.clone()
  const env = { GIT_AUTHOR_EMAIL: address, GIT_COMMITTER_EMAIL: 'ada@acme.example' }
  expect(await work.git(['commit', '-q', '--allow-empty', '-m', 'Work'], { env })).toMatchObject(accepted)
  const ran = await work.push(`HEAD:${name}/odd`)
  expect(ran).toMatchObject(rejected)
  expect(ran.output).toContain('which is not one plain address')
})
let counter = 0

test('a second address in the raw header does not stand for the first', async () => {
  const agent = await gate.agent('raw', { push, emails: ['*@acme.example'] })
  const work = await agent.clone()
  const tree = await work.text(['rev-parse', 'HEAD^{tree}'])
  for (const [i, author] of [
    'Eve <eve@evil.example> <ada@acme.example> 1700000000 +0000',
    'Eve <eve@evil.example> ada <ada@acme.example> 1700000000 +0000',
    'Eve <eve@evil.example <ada@acme.example> 1700000000 +0000',
    'Eve <ada@acme.example> 1700000000 +0000\nauthor Eve <eve@evil.example> 1700000000 +0000',
  ].entries()) {
    const raw = `tree ${tree}\nauthor ${author}\ncommitter Ada <ada@acme.example> 1700000000 +0000\n\nWork\n`
    const made = await work.git(['hash-object', '-w', '-t', 'commit', '--literally', '--stdin'], {
      input: raw,
    })
    expect(await work.push(`${made.stdout.trim()}:refs/heads/raw/${i}`), author).toMatchObject(rejected)
  }
})

test('every commit needs a signature by an allowed key that is valid at its date', async () => {
  const [good, bad, late] = [newKey('good'), newKey('bad'), newKey('late')]
  const allowedSigners = [
    `ada@example.com ${good.line}`,
    `ada@example.com valid-before="20200101" ${late.line}`,
  ].join('\n')
  const agent = await gate.agent('signer', { push, allowedSigners })
  const work = await agent.clone()
  const signed = (key: string) =>
    work.text([
      '-c',
      'gpg.format=ssh',
      '-c',
      `user.signingKey=${key}`,
      ...['commit', '-q', '--allow-empty', '-S', '-m', 'Work'],
    ])
  const reset = () => work.text(['reset', '-q', '--hard', 'origin/main'])

  await work.commit('Unsigned')
  const unsigned = await work.push('HEAD:signer/unsigned')
  expect(unsigned).toMatchObject(rejected)
  expect(unsigned.output).toContain('is not signed')
  // A signature on a commit does not cover its parent.
  await signed(good.file)
  expect(await work.push('HEAD:signer/under')).toMatchObject(rejected)

  await reset()
  await signed(bad.file)
  const unknown = await work.push('HEAD:signer/unknown')
  expect(unknown).toMatchObject(rejected)
  expect(unknown.output).toContain('by a key that is not among the allowed signers')

  await reset()
  await signed(late.file)
  expect(await work.push('HEAD:signer/late')).toMatchObject(rejected)

  // A valid signature on another message.
  await reset()
  await signed(good.file)
  const forged = (await work.text(['cat-file', 'commit', 'HEAD'])).replace('Work', 'Other work')
  const written = await work.git(['hash-object', '-t', 'commit', '-w', '--stdin'], { input: `${forged}\n` })
  const altered = await work.push(`${written.stdout.trim()}:refs/heads/signer/altered`)
  expect(altered).toMatchObject(rejected)
  expect(altered.output).toContain('has a bad signature')

  expect(await work.push('HEAD:signer/good')).toMatchObject(accepted)
})

/** Creates an OpenPGP key in a keyring of its own. `sign` are git's options for signing with it. */
function newOpenPgpKey(name: string, { date = '', expires = '0' } = {}) {
  const home = path.join(keys, name)
  fs.mkdirSync(home, { mode: 0o700 })
  const time = date ? ['--faked-system-time', date] : []
  const gpg = (...args: string[]) =>
    execFileSync('gpg', ['--homedir', home, '--batch', '--passphrase', '', '--quiet', ...time, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  gpg('--quick-generate-key', 'Ada <ada@example.com>', 'ed25519', 'sign', expires)
  const id = /^fpr:+(\w+):/m.exec(gpg('--with-colons', '--list-keys'))?.[1] ?? ''
  const program = path.join(home, 'sign')
  fs.writeFileSync(program, `#!/bin/sh\nexec gpg --homedir '${home}' ${time.join(' ')} "$@"\n`, {
    mode: 0o755,
  })
  return {
    id,
    gpg,
    armored: () => gpg('--armor', '--export', id),
    sign: ['-c', 'gpg.format=openpgp', '-c', `gpg.program=${program}`, '-c', `user.signingKey=${id}`],
    revoke() {
      const certificate = path.join(home, 'openpgp-revocs.d', `${id}.rev`)
      fs.writeFileSync(certificate, fs.readFileSync(certificate, 'utf8').replace(/^:---/m, '---'))
      gpg('--import', certificate)
    },
    close: () => execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']),
  }
}

test('an OpenPGP signature counts only by a key of the grant', async () => {
  const ssh = newKey('beside')
  const good = newOpenPgpKey('pgp-good')
  const other = newOpenPgpKey('pgp-other')
  const revoked = newOpenPgpKey('pgp-revoked')
  const expired = newOpenPgpKey('pgp-expired', { date: '20240101T000000', expires: '20240601T000000' })
  try {
    const agent = await gate.agent('pgp', { push })
    const work = await agent.clone()
    const signed = async (sign: readonly string[]) => {
      await work.text(['reset', '-q', '--hard', 'origin/main'])
      await work.text([...sign, 'commit', '-q', '--allow-empty', '-S', '-m', 'Work'])
      return work.text(['cat-file', 'commit', 'HEAD'])
    }
    const withRevoked = await signed(revoked.sign)
    revoked.revoke()
    const allowedSigners = [
      `ada@example.com ${ssh.line}`,
      ...[good, revoked, expired].map(key => key.armored()),
    ].join('\n')
    await gate.agent('pgp', { push, allowedSigners })
    const pushed = async (commit: string, ref = 'pgp/new') => {
      const written = await work.git(['hash-object', '-t', 'commit', '-w', '--stdin'], {
        input: `${commit}\n`,
      })
      return work.push(`${written.stdout.trim()}:refs/heads/${ref}`)
    }

    // A key with the same name and address that is not in the grant.
    expect((await pushed(await signed(other.sign))).output).toContain(
      'by a key that is not among the allowed',
    )
    expect((await pushed(withRevoked)).output).toContain('by a revoked key')
    expect((await pushed(await signed(expired.sign))).output).toContain('by an expired key')
    const signedCommit = await signed(good.sign)
    expect((await pushed(signedCommit.replace(/Work$/, 'Other work'))).output).toContain(
      'has a bad signature',
    )
    const unsigned = signedCommit.replace(/^gpgsig [\s\S]*?\n(?! )/m, '')
    expect((await pushed(unsigned)).output).toContain('is not signed')
    // Other signatures by an allowed key: over a message and over a clear text.
    const message = path.join(keys, 'message')
    fs.writeFileSync(message, unsigned)
    for (const kind of ['--sign', '--clear-sign']) {
      const whole = good.gpg('--armor', '--local-user', good.id, '--output', '-', kind, message)
      const header = `gpgsig ${whole.trimEnd().replaceAll('\n', '\n ')}\n`
      const replayed = await pushed(unsigned.replace(/^(committer .*\n)/m, `$1${header}`))
      expect(replayed).toMatchObject(rejected)
      expect(replayed.output).not.toContain('fault')
    }
    // A second signature by another key, before or after the valid one.
    const [sign = ''] = /^gpgsig [\s\S]*?\n(?! )/m.exec(signedCommit) ?? []
    const [foreign = ''] = /^gpgsig [\s\S]*?\n(?! )/m.exec(await signed(other.sign)) ?? []
    expect(await pushed(signedCommit.replace(sign, foreign + sign))).toMatchObject(rejected)
    expect(await pushed(signedCommit.replace(sign, sign + foreign))).toMatchObject(rejected)

    expect(await pushed(signedCommit)).toMatchObject(accepted)
    const beside = ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${ssh.file}`]
    expect(await pushed(await signed(beside), 'pgp/beside')).toMatchObject(accepted)
  } finally {
    for (const key of [good, other, revoked, expired]) key.close()
  }
})
