import fs from 'node:fs'

/** A process of this machine, from /proc/PID/stat (proc(5)). */
export interface Process {
  readonly pid: number
  readonly parent: number
  readonly group: number
  readonly state: string
  readonly name: string
}

/** Lists all processes of this machine. Empty without /proc. */
export function listProcesses(): Process[] {
  if (!fs.existsSync('/proc/self/stat')) return []
  return fs
    .readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(pid => {
      try {
        // The name is in parentheses and may contain any character, including ")" and spaces.
        const [, name = '', rest = ''] =
          /^\d+ \((.*)\) (.*)$/s.exec(fs.readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
        const [state = '', parent, group] = rest.split(' ')
        return [{ pid: Number(pid), parent: Number(parent), group: Number(group), state, name }]
      } catch {
        return []
      }
    })
}

/** Lists the running descendants of `root`, without zombies. `all`: a list that was just made. */
export function descendantsOf(root: number, all: readonly Process[] = listProcesses()): Process[] {
  const found: Process[] = []
  let parents = new Set([root])
  while (parents.size) {
    const children = all.filter(process => parents.has(process.parent))
    found.push(...children)
    parents = new Set(children.map(process => process.pid))
  }
  return found.filter(process => process.state !== 'Z')
}

/** Sends SIGKILL to a process and its descendants. */
export function killTree(root: number): void {
  for (const pid of [root, ...descendantsOf(root).map(process => process.pid)]) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // ESRCH: the process has exited.
    }
  }
}
