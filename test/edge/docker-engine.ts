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
  /** Where docker commands of one's own find it. */
  readonly env: Readonly<Record<string, string>>
  /** The docker command; its stdout, trimmed. */
  docker(args: readonly string[], within?: number): Promise<string>
  /** Compose, as a plugin or as a command of its own; its stdout, trimmed. */
  compose(args: readonly string[], options: { cwd: string; within?: number }): Promise<string>
  /** The address of this machine for its containers. */
  gateway(): Promise<string>
}

/** The engine's images are kept here. */
const cache = path.join(projectRoot, '.cache')
const PROGRAMS = ['dockerd', 'docker-compose', 'debootstrap']

/** An engine, or why there is none here. */
export async function dockerEngine(): Promise<{ engine: DockerEngine } | { why: string }> {
  if (await answers({})) return { engine: engineAt({}, async () => {}) }
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return { why: 'no Docker engine answers, and only root can start one' }
  const missing = PROGRAMS.filter(name => !installed(name))
  if (missing.length && !(await install()))
    return { why: `no Docker engine answers, and ${missing.join(' and ')} could not be installed` }
  return startEngine()
}

const installed = (name: string) =>
  ['/usr/bin', '/usr/sbin', '/usr/local/bin'].some(folder => fs.existsSync(path.join(folder, name)))

/** Debian's docker.io, docker-compose and debootstrap, without starting the system's own service. */
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
  const packages = () =>
    apt('install', '-y', '--no-install-recommends', 'docker.io', 'docker-compose', 'debootstrap')
  try {
    return (await packages()) || ((await apt('update')) && (await packages()))
  } finally {
    if (ours) fs.rmSync(policy, { force: true })
  }
}

/**
 * Its containers reach each other and this machine; only on this machine's own network (--network=host) do they get
 * any further, so that nothing of its routing or of its firewall changes.
 */
async function startEngine(): Promise<{ engine: DockerEngine } | { why: string }> {
  const release = await takeTurn()
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
      // Without an address of its own choice it tells nobody the gateway's.
      '--bip=172.17.0.1/16',
      '--iptables=false',
      '--ip-forward=false',
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
    await run('ip', ['link', 'delete', 'docker0']).catch(() => {})
    release()
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

/** One such engine at a time on this machine: they would share its bridge. */
async function takeTurn(): Promise<() => void> {
  const holder = spawn('flock', ['/run/lock/git-gate-docker', 'sh', '-c', 'echo mine; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(holder.stdout, 'data')
  return () => void holder.stdin.end()
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
  const ask = async (command: string, args: readonly string[], cwd: string, timeout: number) => {
    const options = { cwd, env: { ...process.env, ...env }, timeout, maxBuffer: 64 << 20 }
    return (await run(command, args, options)).stdout.trim()
  }
  const docker: DockerEngine['docker'] = (args, within = seconds(60)) =>
    ask('docker', args, projectRoot, within)
  return {
    env,
    docker,
    async compose(args, { cwd, within = seconds(120) }) {
      const isPlugin = await docker(['compose', 'version']).then(
        () => true,
        () => false,
      )
      return isPlugin
        ? ask('docker', ['compose', ...args], cwd, within)
        : ask('docker-compose', args, cwd, within)
    },
    gateway: () => docker(['network', 'inspect', '--format={{(index .IPAM.Config 0).Gateway}}', 'bridge']),
    [Symbol.asyncDispose]: stop,
  }
}
