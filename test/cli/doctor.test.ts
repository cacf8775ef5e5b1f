import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { projectRoot } from '../../local/worker/bundle.ts'
import { faultyLink, type Gate, megabytes, startGate, startUpstream } from '../harness/index.ts'
import { gitGate } from './command.ts'

let gate: Gate
let folder: string
/** A link to gitleaks, which a test can take away. */
let gitleaks: string
const real = path.join(projectRoot, '.cache/gitleaks/gitleaks')
beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-doctor-'))
  gitleaks = path.join(folder, 'gitleaks')
  fs.symlinkSync(real, gitleaks)
  gate = await startGate({ settings: { GATE_GITLEAKS: gitleaks } })
})
afterAll(async () => {
  await gate?.[Symbol.asyncDispose]()
  fs.rmSync(folder, { recursive: true, force: true })
})

const doctor = (name?: string, url = gate.url) =>
  gitGate(['doctor', ...(name === undefined ? [] : [name])], {
    env: { GATE_URL: url, GATE_ADMIN_TOKEN: gate.adminToken },
  })
const failed = (stdout: string) => stdout.split('\n').filter(line => line.startsWith('FAIL'))

test('doctor fails if the webhooks cannot be read', async () => {
  const proxy = http.createServer(
    async ({ method = 'GET', url = '', headers: { authorization = '' } }, response) => {
      if (url.endsWith('/webhooks')) return response.writeHead(500).end()
      const answer = await fetch(gate.url + url, { method, headers: { authorization } })
      return response.writeHead(answer.status).end(await answer.text())
    },
  )
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
  try {
    const { port } = proxy.address() as AddressInfo
    const { code, stdout } = await doctor(undefined, `http://127.0.0.1:${port}`)
    expect(code).toBe(1)
    expect(failed(stdout)).toEqual([expect.stringMatching(/^FAIL {2}webhooks: .* answered with status 500$/)])
  } finally {
    proxy.closeAllConnections()
    proxy.close()
  }
})

test('doctor names a read-only key with upstream’s own words, and prints the key', async () => {
  await using upstream = await startUpstream()
  const key = await gate.admin.identity('reader')
  const words = 'ERROR: The key you are authenticating with has been marked as read only.'
  upstream.authorizeToRead(key, words)
  const { url, knownHosts } = upstream.at()
  await gate.admin.repository('reader', { upstream: url, identity: 'reader', knownHosts })
  const { code, stdout } = await doctor('reader')
  expect(code).toBe(1)
  expect(failed(stdout)).toEqual([
    expect.stringMatching(/reader: write: .* lets the identity "reader" read only \(.*marked as read only/),
  ])
  expect(stdout).toMatch(/^ok {4}reader: read: the mirror is up to date$/m)
  expect(stdout).toContain('give its deploy key write access there: git gate identity show reader\n')
  expect(stdout).toContain(key.split(' ').slice(0, 2).join(' '))
})

test('doctor names a missing gitleaks, and checks the rest all the same', async () => {
  fs.rmSync(gitleaks)
  try {
    const { code, stdout } = await doctor('app')
    expect(code).toBe(1)
    expect(failed(stdout)).toEqual([`FAIL  app: gitleaks: ${gitleaks} is missing, or does not run`])
    expect(stdout).toMatch(/^ {6}.*GATE_GITLEAKS/m)
    expect(stdout).toMatch(/^ok {4}app: write: the upstream takes pushes$/m)
  } finally {
    fs.symlinkSync(real, gitleaks)
  }
})

test('doctor tells how far a first fetch is, and for how long it has run', async () => {
  await using upstream = await startUpstream()
  await upstream.commit('main', 'Something large', { large: megabytes(16) })
  await using link = await faultyLink(upstream.port)
  link.narrow(1 << 20)
  await gate.repository('far', { upstream, through: { port: link.port } })
  const { code, stdout } = await doctor('far')
  expect(stdout).toMatch(
    /^ok {4}far: read: the first fetch has been under way for \d+ s: Receiving objects: \d+% \(\d+\/\d+\)/m,
  )
  expect(code, stdout).toBe(0)
})
