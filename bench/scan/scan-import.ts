import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { secrets } from '../../container/checks/secrets/index.ts'
import { gitleaks } from '../../test/scan/fixtures/gitleaks.ts'
import { spread } from '../measure.ts'
import { timesOf } from '../push-cost/processor-time.ts'
import { git, quarantine, runCheck, stage, stagedPush, ZERO } from './real-repository.ts'

// Measures the scan of a real repository's first import, and of its last 200 commits in 40 pushes, beside
// `gitleaks git` over the same commits: node bench/scan/scan-import.ts REPOSITORY... [--ranges] [--findings]

const COMMITS = 200
const RANGES = 40
const self = fileURLToPath(import.meta.url)
const check = secrets({ gitleaks, seconds: 3600, maxBlobBytes: 500 << 20, fingerprintKey: 'bench' })
/** The peer's binary: by default the gate's own. GITLEAKS_PLAIN names another, such as a released one. */
const plainGitleaks = process.env.GITLEAKS_PLAIN ?? gitleaks

interface Range {
  readonly old: string
  readonly id: string
}

interface Cost {
  readonly wall: number
  /** The processor time of the process and its children, in seconds. */
  readonly cpu: number
  readonly findings: number
  /** The bytes that gitleaks got. */
  readonly bytes: number
  readonly reason?: string
}

/** The processor time of this process and of its ended children, in seconds. */
function cpuSeconds(): number {
  const { own, children } = timesOf(process.pid)
  return own + children
}

/** Scans the pushes of a repository's that the parent names, one after the other, and sends the cost of each. */
function scanHere(home: string): void {
  process.on('message', async ({ old, id }: Range) => process.send?.(await scanPush(home, old, id)))
}

async function scanPush(home: string, old: string, id: string): Promise<Cost> {
  const push = stagedPush(home, old, id)
  const started = performance.now()
  const before = cpuSeconds()
  const { signal } = new AbortController()
  const refusals = await runCheck(check, push, signal)
  const { findings, scanned } = push.record
  if (process.argv.includes('--findings'))
    for (const { rule, path, line, commit, fingerprint } of findings)
      console.error(`${rule} ${path}:${line} ${commit} ${fingerprint}`)
  return {
    wall: (performance.now() - started) / 1000,
    cpu: cpuSeconds() - before,
    findings: findings.length,
    bytes: scanned.bytes,
    ...(refusals[0] ? { reason: refusals[0].reason } : {}),
  }
}

/** Runs a command in a process of its own. Its cost includes the start. */
async function inProcess(command: string, args: readonly string[], cwd: string) {
  const started = performance.now()
  const child = spawn('bash', ['-c', 'TIMEFORMAT="%U %S"; time "$0" "$@" 2>/dev/null', command, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let times = ''
  child.stdout.on('data', chunk => (stdout += chunk))
  child.stderr.on('data', chunk => (times += chunk))
  await once(child, 'close')
  const cpu = times
    .trim()
    .split(' ')
    .reduce((sum, part) => sum + Number(part), 0)
  return { stdout, wall: (performance.now() - started) / 1000, cpu }
}

/** Starts the process that scans the pushes of a repository, as a companion does. */
function startScans(home: string) {
  // A companion keeps its compiled modules, for itself and for its children.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'git-gate-bench-compiled') }
  const child = fork(self, ['--scan', home, ...process.argv.filter(arg => arg === '--findings')], { env })
  return {
    async scan(range: Range): Promise<Cost> {
      await rm(join(home, 'push', 'scratch'), { recursive: true, force: true })
      await mkdir(join(home, 'push', 'scratch'), { recursive: true })
      child.send(range)
      const [cost] = await once(child, 'message')
      return cost
    },
    stop: () => child.disconnect(),
  }
}

async function plain(home: string, range: string): Promise<{ wall: number; cpu: number }> {
  const args = ['git', '--no-banner', '--exit-code', '0', '--log-opts', range, join(home, 'mirror.git')]
  return inProcess(plainGitleaks, args, home)
}

const seconds = (value: number) => value.toFixed(2)

async function measureImport(name: string, home: string, tip: string): Promise<void> {
  await quarantine(home, ZERO, tip)
  const direct = await plain(home, tip)
  const scans = startScans(home)
  const cost = await scans.scan({ old: ZERO, id: tip })
  scans.stop()
  console.log(
    `| ${name}, first import | ${seconds(cost.cpu)} | ${seconds(direct.cpu)} | ${seconds(cost.cpu / direct.cpu)} | ${seconds(cost.wall)} | ${seconds(direct.wall)} | ${seconds(cost.wall / direct.wall)} | ${(cost.bytes / 1e6).toFixed(1)} | ${cost.findings} |`,
  )
}

async function measureRanges(name: string, home: string, tip: string): Promise<void> {
  const mirror = join(home, 'mirror.git')
  const commits = git(mirror, 'rev-list', '--first-parent', `--max-count=${COMMITS + 1}`, tip)
    .split('\n')
    .reverse()
  const step = COMMITS / RANGES
  const costs: Cost[] = []
  const directs: { wall: number; cpu: number }[] = []
  const scans = startScans(home)
  for (let i = 0; i + step < commits.length; i += step) {
    const [old = '', id = ''] = [commits[i], commits[i + step]]
    await quarantine(home, old, id)
    directs.push(await plain(home, `${old}..${id}`))
    costs.push(await scans.scan({ old, id }))
  }
  scans.stop()
  const median = (values: readonly number[]) => spread(values).median
  const [cpu, plainCpu, wall, plainWall] = [
    median(costs.map(cost => cost.cpu)),
    median(directs.map(direct => direct.cpu)),
    median(costs.map(cost => cost.wall)),
    median(directs.map(direct => direct.wall)),
  ]
  const refused = costs.filter(cost => cost.reason !== undefined).length
  console.log(
    `| ${name}, ${costs.length} pushes, median | ${seconds(cpu)} | ${seconds(plainCpu)} | ${seconds(cpu / plainCpu)} | ${seconds(wall)} | ${seconds(plainWall)} | ${seconds(wall / plainWall)} | | ${refused} refused |`,
  )
}

if (process.argv[2] === '--scan') {
  scanHere(process.argv[3] ?? '')
} else {
  console.log(`${cpus().length} processors, gitleaks ${gitleaks}, plain ${plainGitleaks}\n`)
  console.log(
    '| work | CPU s | plain | ratio | wall s | plain | ratio | MB to gitleaks | findings |\n|---|---|---|---|---|---|---|---|---|',
  )
  for (const repository of process.argv.slice(2).filter(arg => !arg.startsWith('--'))) {
    const { home, tip } = await stage(repository)
    const name = repository.replace(/^.*\/|\.git$/g, '')
    try {
      if (!process.argv.includes('--ranges')) await measureImport(name, home, tip)
      else await measureRanges(name, home, tip)
    } finally {
      await rm(home, { recursive: true, force: true })
    }
  }
}
