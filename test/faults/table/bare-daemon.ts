import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { killTree, listProcesses } from '../../../local/process/processes.ts'
import { cloneIn } from '../../harness/clone.ts'
import { faultyLink, git, gitText, megabytes, until } from '../../harness/index.ts'
import { slowGit } from '../fixtures/slow/slow-git.ts'

/** Stalls a push to plain `git daemon` in its pack, and describes the result in a sentence. */
export async function bareDaemon(): Promise<string> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-daemon-'))
  const repository = path.join(dir, 'bare.git')
  await gitText(['init', '-q', '--bare', repository])
  const slow = await slowGit(dir)
  const probe = net.createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as net.AddressInfo
  probe.close()
  const args = ['daemon', '--reuseaddr', `--port=${port}`, '--listen=127.0.0.1', `--base-path=${dir}`]
  args.push('--export-all', '--enable=receive-pack', '--timeout=15', '--init-timeout=15')
  const daemon = spawn('git', args, { stdio: 'ignore' })
  try {
    const work = cloneIn(path.join(dir, 'work'))
    await gitText(['init', '-q', work.dir])
    await work.commit('Something big', { big: megabytes(2) })
    await until(
      async () =>
        (await git(['ls-remote', `git://127.0.0.1:${port}/bare.git`])).code === 0 ? true : undefined,
      10_000,
      () => 'no daemon',
    )
    await using link = await faultyLink(port)
    slow.holdAfter(1_500_000)
    const push = work.git(['push', `git://127.0.0.1:${link.port}/bare.git`, 'HEAD:refs/heads/x'], {
      env: slow.env,
      within: 60_000,
    })
    push.catch(() => {})
    await link.carried(1_100_000)
    push.stop()
    await new Promise(resolve => setTimeout(resolve, 30_000))
    const alive = listProcesses().filter(
      ({ pid }) => commandOf(pid).includes('receive-pack') && cwdOf(pid).startsWith(dir),
    )
    push.kill()
    return `Beside it, \`git daemon --timeout=15 --init-timeout=15 --enable=receive-pack\` alone, its push stalled in mid-pack by SIGSTOP: after 30 s ${alive.length ? `${alive.length} processes of the session are still alive` : 'nothing of it is left'}.`
  } finally {
    slow.flow()
    if (daemon.pid !== undefined) killTree(daemon.pid)
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

const commandOf = (pid: number) => read(() => fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
const cwdOf = (pid: number) => read(() => fs.readlinkSync(`/proc/${pid}/cwd`))

function read(look: () => string): string {
  try {
    return look()
  } catch {
    return ''
  }
}
