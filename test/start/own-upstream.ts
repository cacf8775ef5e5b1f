import fs from 'node:fs'
import path from 'node:path'
import { run } from '../../container/process/spawn.ts'
import { seconds, startUpstream, type Upstream } from '../harness/index.ts'

/** Starts an operator's upstream. Returns the arguments for `npm start` too. */
export async function ownUpstream(
  dir: string,
  name: string,
): Promise<{ server: Upstream; url: string; args: readonly string[] } & AsyncDisposable> {
  const server = await startUpstream()
  const key = path.join(dir, `key-${path.basename(name)}`)
  const hosts = path.join(dir, 'known_hosts')
  const { url, knownHosts } = server.at()
  fs.writeFileSync(hosts, knownHosts)
  server.authorize(await newKey(key))
  return {
    server,
    url,
    args: ['--upstream', url, '--identity', key, '--known-hosts', hosts, '--name', name],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

async function newKey(file: string): Promise<string> {
  const signal = AbortSignal.timeout(seconds(10))
  const env = { PATH: process.env.PATH ?? '' }
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file], {
    cwd: path.dirname(file),
    env,
    signal,
  })
  return fs.readFileSync(`${file}.pub`, 'utf8')
}
