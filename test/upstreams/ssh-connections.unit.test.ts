import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Credentials } from '../../container/upstream/https/credentials.ts'
import { createLinks } from '../../container/upstream/links.ts'
import { createSshPool, SshFailed } from '../../container/upstream/ssh/ssh-connections.ts'
import { IdentityName, RepositoryName } from '../../src/contract/names.ts'
import { upstreamOf } from '../harness/hosts/upstream-of.ts'

const { PATH } = process.env
const soon = () => AbortSignal.timeout(10_000)
let folder: string

/** Puts a program first on PATH that stands in for ssh. */
const fakeSsh = (script: string) =>
  fs.writeFileSync(path.join(folder, 'ssh'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-ssh-'))
  process.env.PATH = `${folder}:${PATH}`
})
afterEach(() => {
  process.env.PATH = PATH
  fs.rmSync(folder, { recursive: true })
})

test('a connection that upstream neither takes nor refuses is given up, and the next caller opens another', async () => {
  const begun = path.join(folder, 'begun')
  // The first connection hangs in its authentication.
  fakeSsh(`[ -e ${begun} ] && { echo up; exec sleep 60; }\ntouch ${begun}\nexec sleep 60`)
  const control = path.join(folder, 'control')
  const pool = createSshPool({ config: '/dev/null', control, host: 'host' }, 1_000)
  try {
    await expect(pool.acquire(soon())).rejects.toEqual(new SshFailed('Connection timed out'))
    expect(await pool.acquire(soon())).toMatchObject({ control: `${control}.2` })
  } finally {
    pool.close()
  }
})

/** The links of an identity `key`, whose connections ssh's stand-in opens. */
function openLinks() {
  fs.writeFileSync(path.join(folder, 'key'), '')
  return createLinks({
    identities: folder,
    folder: path.join(folder, 'links'),
    sockets: folder,
    authorities: folder,
    gitEnv: {},
    credentials: {} as Credentials,
  })
}

test('a removed identity keeps no connection: its name may get another key', async () => {
  const opened = path.join(folder, 'opened')
  fakeSsh(`echo >> ${opened}; echo up; exec sleep 60`)
  const links = openLinks()
  const identity = IdentityName.parse('key')
  const connect = async () =>
    (await links.to(upstreamOf({ name: RepositoryName.parse('acme/app'), identity }))).connect(soon())
  try {
    await connect()
    await connect()
    expect(fs.readFileSync(opened, 'utf8')).toBe('\n')
    links.closeIdentity(identity)
    await connect()
    expect(fs.readFileSync(opened, 'utf8')).toBe('\n\n')
  } finally {
    links.closeAll()
  }
})

test('repositories at one host share connections, and an error names the repository that was asked for', async () => {
  fakeSsh('echo "Host key verification failed." >&2; exit 255')
  const links = openLinks()
  for (const name of ['acme/secret-plan', 'acme/app']) {
    const upstream = upstreamOf({ name: RepositoryName.parse(name), identity: IdentityName.parse('key') })
    const link = await links.to(upstream)
    for (const attempt of [link.connect(soon()), link.acquire(soon()), link.acquireSpare?.(soon())])
      await expect(attempt).rejects.toThrow(`is not the one pinned for ${name} `)
  }
  expect(fs.readdirSync(path.join(folder, 'links'))).toHaveLength(1)
})
