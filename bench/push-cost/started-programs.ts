import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'

/** The programs that a process and its descendants start while it is watched, and their system calls. */
export interface Watched {
  /** Each started process as its program with its subcommand, such as `git rev-list`. */
  readonly programs: readonly string[]
  readonly systemCalls: number
}

/** Attaches strace(1) to a process. The returned function detaches it and reports. */
export async function watchPrograms(pid: number, file: string): Promise<() => Promise<Watched>> {
  const args = ['-f', '-e', 'signal=none', '-s', '200', '-o', file, '-p', String(pid)]
  const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const closed = once(strace, 'close')
  await new Promise<void>((resolve, reject) => {
    let output = ''
    strace.once('error', reject)
    strace.once('close', () => reject(new Error(`strace ended: ${output}`)))
    strace.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
      if (/attached/.test(output)) resolve()
    })
  })
  return async () => {
    strace.kill('SIGINT')
    await closed
    return readTrace(fs.readFileSync(file, 'utf8'))
  }
}

/** A shell that sets a limit becomes another program: the last program of a process counts. */
function readTrace(trace: string): Watched {
  const programs = new Map<string, string>()
  let systemCalls = 0
  for (const line of trace.split('\n')) {
    const [, pid = '', call = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    // The rest of a call that strace has begun to print before.
    if (pid === '' || /^(<\.\.\.|\+\+\+|---)/.test(call)) continue
    systemCalls += 1
    const [, path = '', args = ''] = /^execve\("([^"]+)", \[(.*?)\](?:,|$)/.exec(call) ?? []
    if (path && !/= -1 /.test(call)) programs.set(pid, programName(path, args))
  }
  return { programs: [...programs.values()], systemCalls }
}

function programName(path: string, args: string): string {
  const words = [...args.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(match => match[1] ?? '').slice(1)
  const program = path.slice(path.lastIndexOf('/') + 1)
  if (program === 'git') {
    const at = words.findIndex((word, i) => !word.startsWith('-') && words[i - 1] !== '-c')
    const [batch] = words.slice(at + 1).filter(word => word.startsWith('--batch'))
    return ['git', words[at], ...(batch ? [batch.split('=')[0]] : [])].join(' ')
  }
  if (program === 'ssh') return `ssh ${/git-\w+-pack/.exec(words.at(-1) ?? '')?.[0] ?? ''}`.trim()
  const script = /^(sh|dash|bash|node)$/.test(program) ? words.find(word => word.includes('/')) : undefined
  return script ? `${program} ${script.slice(script.lastIndexOf('/') + 1)}` : program
}

/** Counts equal names, most frequent first. */
export function countNames(names: readonly string[]): [name: string, count: number][] {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]))
}
