import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import type net from 'node:net'
import path from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { agentConfig } from '../../cli/agent-config.ts'
import { Repository } from '../../src/contract/admin-api/repositories.ts'
import { accepted, git, sharedGate, startGate } from '../harness/index.ts'

/** Starts a sandbox's proxy, which lets connections out to the gate only. */
async function egressProxy(): Promise<{ url: string; asked: string[] } & AsyncDisposable> {
  const asked: string[] = []
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.writeHead(403).end('not allowed from here\n')
  })
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`)
    socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

test('a push past the gate ends within seconds when the egress proxy answers 403', async () => {
  await using proxy = await egressProxy()
  await using gate = await sharedGate()
  const ada = await gate.agent('ada', { push: ['refs/heads/ada/**'] })
  const work = await ada.clone()
  await work.commit('Out', { out: 'out\n' })
  const env = { https_proxy: proxy.url, http_proxy: proxy.url }
  // The scheme decides which request the proxy gets: a tunnel, which it refuses, or info/refs itself.
  for (const url of ['https://forge.example/acme/app.git', 'http://forge.example/acme/app.git']) {
    const ran = await work.git(['push', url, 'HEAD:refs/heads/out'], { env })
    expect(ran.code).toBe(128)
    expect(ran.output).toMatch('403')
    expect(ran.ms).toBeLessThan(10_000)
  }
  expect(proxy.asked).toEqual([
    'CONNECT forge.example:443',
    'GET http://forge.example/acme/app.git/info/refs?service=git-receive-pack',
  ])
})

test('with agent-config the same URLs reach the gate, without the proxy', async () => {
  await using proxy = await egressProxy()
  await using gate = await startGate()
  const ada = await gate.agent('ada', { push: ['refs/heads/ada/**'] })
  const [app] = z.array(Repository).parse(await gate.admin.request('GET', '/repositories'))
  if (!app) throw new Error('there is no repository')
  const forge = { ...app, upstream: 'ssh://git@forge.example/acme/app.git' }
  const config = path.join(gate.home, 'agent.gitconfig')
  fs.writeFileSync(config, agentConfig(gate.url, [forge], { agent: 'ada', token: ada.token }))
  const env = { GIT_CONFIG_GLOBAL: config, https_proxy: proxy.url, http_proxy: proxy.url }
  const into = path.join(gate.home, 'clone')
  expect(await git(['clone', '-q', 'https://forge.example/acme/app', into], { env })).toMatchObject(accepted)
  for (const [n, url] of [
    'https://forge.example/acme/app.git',
    'git@forge.example:acme/app.git',
    'ssh://git@forge.example/acme/app.git',
  ].entries())
    expect(await git(['push', url, `HEAD:refs/heads/ada/${n}`], { cwd: into, env })).toMatchObject(accepted)
  expect(proxy.asked).toEqual([])
})
