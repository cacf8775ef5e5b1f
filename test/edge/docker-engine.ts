import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { projectRoot } from '../../local/bundle.ts'
import { seconds, until } from '../harness/index.ts'

const run = promisify(execFile)

/** A real Docker engine: the machine's own, or one started for the test run. */
export interface DockerEngine extends AsyncDisposable {
  /** The docker command; its stdout, trimmed. */
  docker(args: readonly string[], within?: number): Promise<string>
  /** A Debian image to build on: from a registry, or made here. */
  base(): Promise<string>
}

/** What was made once is kept here: the engine's images, and the base that debootstrap made. */
const cache = path.join(projectRoot, '.cache')
const suite = 'trixie'

/** An engine, or why there is none here. */
export async function dockerEngine(): Promise<{ engine: DockerEngine } | { why: string }> {
  if (await answers({})) return { engine: engineAt({}, async () => {}) }
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return { why: 'no Docker engine answers, and only root can start one' }
  const missing = ['dockerd', 'debootstrap'].filter(name => !installed(name))
  if (missing.length && !(await install()))
    return { why: `no Docker engine answers, and ${missing.join(' and ')} could not be installed` }
  return startEngine()
}

const installed = (name: string) =>
  ['/usr/bin', '/usr/sbin', '/usr/local/bin'].some(folder => fs.existsSync(path.join(folder, name)))

/** Debian's docker.io and debootstrap, without starting the system's own service. */
async function install(): Promise<boolean> {
  if (!fs.existsSync('/usr/bin/apt-get')) return false
  const policy = '/usr/sbin/policy-rc.d'
  const ours = !fs.existsSync(policy)
  if (ours) fs.writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  const apt = (...args: string[]) =>
    run('flock', ['/run/lock/git-gate-setup', 'apt-get', '-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).then(
      () => true,
      () => false,
    )
  const packages = () => apt('install', '-y', '--no-install-recommends', 'docker.io', 'debootstrap')
  try {
    return (await packages()) || ((await apt('update')) && (await packages()))
  } finally {
    if (ours) fs.rmSync(policy, { force: true })
  }
}

/** Without a network of its own: containers and builds use the host's, so that two engines never collide. */
async function startEngine(): Promise<{ engine: DockerEngine } | { why: string }> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-docker-'))
  const socket = `unix://${folder}/docker.sock`
  const log = path.join(folder, 'log')
  const out = fs.openSync(log, 'w')
  const daemon = spawn(
    path.join(projectRoot, 'local/tied.sh'),
    [
      'dockerd',
      '--host',
      socket,
      '--data-root',
      path.join(cache, 'docker'),
      '--exec-root',
      path.join(folder, 'exec'),
      '--pidfile',
      path.join(folder, 'pid'),
      '--bridge=none',
      '--iptables=false',
    ],
    { env: { ...process.env, GATE_TIED_SIGNAL: 'TERM' }, detached: true, stdio: ['ignore', out, out] },
  )
  fs.closeSync(out)
  const stop = async () => {
    await end(daemon)
    // dockerd leaves its network namespaces mounted.
    for (const line of fs.readFileSync('/proc/mounts', 'utf8').split('\n').reverse()) {
      const place = line.split(' ')[1]
      if (place?.startsWith(`${folder}/`)) await run('umount', ['--lazy', place])
    }
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  const env = { DOCKER_HOST: socket }
  try {
    await until(
      async () => (daemon.exitCode !== null || (await answers(env)) ? true : undefined),
      seconds(60),
      () => 'dockerd does not answer',
    )
    if (daemon.exitCode === null) return { engine: engineAt(env, stop) }
    throw new Error('dockerd has ended')
  } catch (error) {
    const said = fs.readFileSync(log, 'utf8').trim().split('\n').slice(-3).join(' / ')
    await stop()
    return {
      why: `no Docker engine can be started here: ${error instanceof Error ? error.message : error} (${said})`,
    }
  }
}

async function end(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return
  const exit = once(daemon, 'exit')
  daemon.kill('SIGTERM')
  await exit
}

const answers = (env: Record<string, string>) =>
  run('docker', ['version', '--format', '{{.Server.Version}}'], { env: { ...process.env, ...env } }).then(
    () => true,
    () => false,
  )

function engineAt(env: Record<string, string>, stop: () => Promise<void>): DockerEngine {
  const docker: DockerEngine['docker'] = async (args, within = seconds(60)) => {
    const { stdout } = await run('docker', args, {
      env: { ...process.env, ...env },
      timeout: within,
      maxBuffer: 64 << 20,
    })
    return stdout.trim()
  }
  const has = (image: string) =>
    docker(['image', 'inspect', image]).then(
      () => true,
      () => false,
    )
  return {
    docker,
    async base() {
      const made = `git-gate-base:${suite}`
      if (await has(made)) return made
      const official = `debian:${suite}-slim`
      const pulled = await docker(['pull', '--quiet', official], seconds(120)).catch(() => undefined)
      if (pulled !== undefined || (await has(official))) return official
      await docker(['import', await debootstrap(), made], seconds(120))
      return made
    },
    [Symbol.asyncDispose]: stop,
  }
}

/** A minimal Debian as a tar file, made once; it trusts whom this machine trusts. */
async function debootstrap(): Promise<string> {
  const tar = path.join(cache, `debian-${suite}.tar`)
  if (fs.existsSync(tar)) return tar
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-debian-'))
  try {
    await run('debootstrap', ['--variant=minbase', suite, folder, 'http://deb.debian.org/debian'], {
      maxBuffer: 64 << 20,
    })
    const trusted = '/etc/ssl/certs/ca-certificates.crt'
    const local = path.join(folder, 'usr/local/share/ca-certificates')
    fs.mkdirSync(local, { recursive: true })
    if (fs.existsSync(trusted)) fs.copyFileSync(trusted, path.join(local, 'this-machine.crt'))
    for (const waste of ['var/cache/apt/archives', 'var/lib/apt/lists'])
      fs.rmSync(path.join(folder, waste), { recursive: true, force: true })
    await run('tar', ['-C', folder, '-cf', `${tar}.new`, '.'])
    fs.renameSync(`${tar}.new`, tar)
    return tar
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}
