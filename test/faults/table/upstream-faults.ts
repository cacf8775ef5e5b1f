import { once } from 'node:events'
import net from 'node:net'
import { descendantsOf } from '../../../local/process/processes.ts'
import type { Scene } from '../fixtures/fault-fixture.ts'
import type { Fault } from './fault.ts'

/** No process listens on upstream's port. */
export const unreachable: Fault = {
  words: 'upstream unreachable',
  async inject({ gate }) {
    await gate.upstream.stop()
    return gate.upstream.start
  },
}

/** A host whose kernel still accepts connections. */
export const silentAtConnect: Fault = {
  words: 'upstream’s host takes the connection and says nothing',
  async inject({ gate }) {
    await gate.upstream.stop()
    const sockets = new Set<net.Socket>()
    const mute = net.createServer(socket => sockets.add(socket.on('error', () => {})))
    mute.listen(gate.upstream.port, '127.0.0.1')
    await once(mute, 'listening')
    return async () => {
      const closed = once(mute, 'close')
      mute.close()
      for (const socket of sockets) socket.destroy()
      await closed
      await gate.upstream.start()
    }
  },
}

export const stoppedAtConnect: Fault = {
  words: 'upstream’s sshd stopped (SIGSTOP), at connect',
  async inject({ gate }) {
    // Stops those too that serve the gate's open connection.
    await gate.upstream.stop()
    await gate.upstream.start()
    return stopEverySshd()
  },
}

export const stoppedInForward: Fault = {
  words: 'upstream’s sshd stopped (SIGSTOP)',
  phase: 'during the forward',
  inject: async () => stopEverySshd(),
}

/** Stops (SIGSTOP) every present and future sshd. The returned function kills them, as a host's end does. */
function stopEverySshd(): () => void {
  const servers = () => descendantsOf(process.pid).filter(({ name }) => name === 'sshd')
  const stopped = new Set<number>()
  const stop = () => {
    for (const { pid } of servers()) {
      if (!stopped.has(pid)) process.kill(pid, 'SIGSTOP')
      stopped.add(pid)
    }
  }
  stop()
  const again = setInterval(stop, 20)
  return () => {
    clearInterval(again)
    for (const { pid } of servers()) process.kill(pid, 'SIGKILL')
  }
}

/** Kills the sshd that a hook runs under, as the shutdown of a host does. */
const KILL_SSHD = `
pid=$$
while [ "$pid" -gt 1 ]; do
  pid=$(cut -d' ' -f4 "/proc/$pid/stat")
  [ "$(cat "/proc/$pid/comm")" = sshd ] && kill -9 "$pid" && exit 1
done
exit 1`

const hooked = async ({ gate }: Scene, hook: 'pre-receive' | 'post-receive', script: string) => {
  gate.upstream.hook(hook, script)
  return () => gate.upstream.hook(hook)
}

export const killedAfterAccepting: Fault = {
  words: 'upstream killed after accepting, before reporting',
  inject: scene => hooked(scene, 'post-receive', KILL_SSHD),
}

export const killedBeforeAccepting: Fault = {
  words: 'upstream killed before accepting',
  inject: scene => hooked(scene, 'pre-receive', KILL_SSHD),
}

export const refuses: Fault = {
  words: 'upstream refuses',
  async inject({ gate }) {
    gate.upstream.refuse('Release freeze until Monday')
    return () => gate.upstream.hook('pre-receive')
  },
}

export const slow: Fault = {
  words: 'upstream takes 10 s over the push',
  inject: scene => hooked(scene, 'pre-receive', 'sleep 10'),
}

export const tooSlow: Fault = {
  words: 'upstream slower than GATE_FORWARD_SECONDS',
  inject: scene => hooked(scene, 'pre-receive', 'exec sleep 60'),
}
