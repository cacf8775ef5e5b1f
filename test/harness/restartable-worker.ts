import { descendantsOf } from '../../local/process/processes.ts'
import { type RunningWorker, startWorker, type WorkerOptions } from '../../local/worker/workerd.ts'
import { until } from './until.ts'

/** A Worker on a migrated ledger, whose workerd can be killed and restarted on the same port and state. */
export function restartableWorker(
  code: string,
  host = '127.0.0.1',
): {
  start(options: Omit<WorkerOptions, 'code'>): Promise<RunningWorker>
  kill(): Promise<{ startAgain(): Promise<void> }>
} {
  let running: RunningWorker | undefined
  let options: Omit<WorkerOptions, 'code'> | undefined
  let workerd: number | undefined
  const current = () => {
    if (!running) throw new Error('the Worker does not run')
    return running
  }
  const launch = async (wanted: Omit<WorkerOptions, 'code'>) => {
    const before = new Set(workerds())
    running = await startWorker({ ...wanted, code, host, isMigrated: true })
    workerd = workerds().find(pid => !before.has(pid))
  }
  return {
    async start(wanted) {
      await launch(wanted)
      const { url } = current()
      options = { ...wanted, port: Number(new URL(url).port) }
      return {
        url,
        tick: () => current().tick(),
        [Symbol.asyncDispose]: async () => running?.[Symbol.asyncDispose](),
      }
    },
    async kill() {
      const killed = workerd
      if (killed === undefined) throw new Error('there is no workerd to kill')
      process.kill(killed, 'SIGKILL')
      const hasExited = () => (workerds().includes(killed) ? undefined : true)
      await until(hasExited, 5_000, () => 'workerd still runs')
      return {
        async startAgain() {
          const [killedWorker, wanted] = [current(), options]
          if (!wanted) throw new Error('it was never started')
          // Disposing of the Worker may fail because its workerd is dead.
          await Promise.resolve(killedWorker[Symbol.asyncDispose]()).catch(() => {})
          await launch(wanted)
        },
      }
    },
  }
}

const workerds = () =>
  descendantsOf(process.pid)
    .filter(({ name }) => name === 'workerd')
    .map(({ pid }) => pid)
