import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { killTree } from '../../../local/process/processes.ts'
import type { Upstream } from '../hosts/upstream.ts'
import { until } from '../until.ts'

/**
 * A network namespace (network_namespaces(7)) that stands for another machine. A router connects it to this
 * machine and can stop forwarding. Both end with the process that made them, not before: Chromium fails the
 * connections that it is opening whenever an interface of this machine comes or goes.
 */
export interface FarMachine extends AsyncDisposable {
  /** The command prefix that runs a command there. */
  readonly enter: readonly string[]
  /** This machine's address, as seen from there. */
  readonly here: string
  /** The other machine's address, as seen from here. */
  readonly there: string
  /** Drops all packets in both directions from now on. Neither side is notified. */
  cut(): void
  mend(): void
  /** Starts another sshd for an upstream there. Returns its port. */
  serve(upstream: Upstream): Promise<number>
}

const [FIRST, SLOTS] = [0xc6_12_00_00, 1 << 14]

/** Addresses for tests (198.18.0.0/15, RFC 2544), eight per process. */
const address = (n: number) => {
  const whole = FIRST + (process.pid % SLOTS) * 8 + n
  return [24, 16, 8, 0].map(shift => (whole >>> shift) & 255).join('.')
}

const ip = (line: string, enter: readonly string[] = []) => {
  const [command = '', ...args] = [...enter, 'ip', ...line.split(' ')]
  execFileSync(command, args, { stdio: 'pipe' })
}

/** Returns undefined if this process cannot make a namespace: that needs root and a kernel with veth. */
export async function farMachine(): Promise<FarMachine | undefined> {
  const made = new DisposableStack()
  const [gateway, nearRouter, farRouter, there] = [1, 2, 5, 6].map(address)
  const device = `gate${process.pid}`
  const namespace = async () => {
    const holder = made.adopt(
      spawn('unshare', ['-n', 'setpriv', '--pdeathsig', 'KILL', 'sleep', 'infinity'], { stdio: 'ignore' }),
      child => void child.kill('SIGKILL'),
    )
    holder.on('error', () => {})
    const isThere = () => (holder.exitCode !== null || ownNetwork(holder) ? true : undefined)
    await until(isThere, 5_000, () => 'no namespace')
    return { pid: holder.pid ?? -1, enter: ['nsenter', `--net=/proc/${holder.pid}/ns/net`] }
  }
  let router: Awaited<ReturnType<typeof namespace>>
  let machine: Awaited<ReturnType<typeof namespace>>
  const forward = (on: 0 | 1) => {
    const [command = '', ...args] = router.enter
    execFileSync(command, [...args, 'sh', '-c', `echo ${on} > /proc/sys/net/ipv4/ip_forward`])
  }
  try {
    router = await namespace()
    machine = await namespace()
    ip(`link add ${device} type veth peer name near netns ${router.pid}`)
    made.defer(() => ip(`link del ${device}`))
    ip(`addr add ${gateway}/30 dev ${device}`)
    ip(`link set ${device} up`)
    ip(`addr add ${nearRouter}/30 dev near`, router.enter)
    ip('link set near up', router.enter)
    ip(`link add far type veth peer name eth netns ${machine.pid}`, router.enter)
    ip(`addr add ${farRouter}/30 dev far`, router.enter)
    ip('link set far up', router.enter)
    ip(`addr add ${there}/30 dev eth`, machine.enter)
    ip('link set eth up', machine.enter)
    ip('link set lo up', machine.enter)
    ip(`route add default via ${farRouter}`, machine.enter)
    ip(`route add ${there} via ${nearRouter}`)
    forward(1)
  } catch {
    made.dispose()
    return undefined
  }
  const running = new AsyncDisposableStack()
  return {
    enter: machine.enter,
    here: gateway ?? '',
    there: there ?? '',
    cut: () => forward(0),
    mend: () => forward(1),
    async serve(upstream) {
      const config = path.join(path.dirname(upstream.dir), 'sshd/sshd_config')
      const port = upstream.port
      const [command = '', ...args] = [...machine.enter, 'setpriv', '--pdeathsig', 'KILL', '/usr/sbin/sshd']
      const sshd = spawn(
        command,
        [...args, '-D', '-f', config, '-p', `${port}`, '-o', `ListenAddress=${there}`, '-o', 'PidFile=none'],
        { stdio: 'ignore', detached: true },
      )
      running.defer(() => {
        if (sshd.pid !== undefined) killTree(sshd.pid)
      })
      await until(
        () => answers(there ?? '', port),
        10_000,
        () => 'the sshd over there does not answer',
      )
      return port
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** Returns whether the child has left this process's network namespace. */
function ownNetwork({ pid }: ChildProcess): boolean {
  try {
    return fs.readlinkSync(`/proc/${pid}/ns/net`) !== fs.readlinkSync('/proc/self/ns/net')
  } catch {
    return false
  }
}

async function answers(host: string, port: number): Promise<true | undefined> {
  const socket = net.connect(port, host)
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(1_000) })
    return true
  } catch {
    return undefined
  } finally {
    socket.destroy()
  }
}
