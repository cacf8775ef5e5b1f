import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { secrets } from '../../container/checks/secrets/index.ts'
import { createGit } from '../../container/git/git.ts'
import { maintain } from '../../container/git/maintenance.ts'
import { gitleaks } from '../../test/scan/fixtures/gitleaks.ts'
import { incoming, templates, workTree } from '../../test/scan/fixtures/repositories.ts'
import { compare, ratio, spread } from '../measure.ts'
import { timesOf } from '../push-cost/processor-time.ts'
import { runCheck } from './real-repository.ts'

// Measures the scan of one changed line in a short and in a long file that upstream has; the target is a ratio of 1.3.
// The figures are processor time of a process that scans, as a companion does, and of the programs that it starts.

const SIZES = [5_000, 5_000_000] as const
const self = fileURLToPath(import.meta.url)

/** The arguments of `incoming`, as JSON. */
type Push = Parameters<typeof incoming>

interface Cost {
  /** The processor time of the process, in milliseconds. */
  readonly own: number
  /** The processor time of the programs that it has started, in milliseconds. */
  readonly programs: number
}

/** Scans the pushes that the parent names, one after the other, and sends the cost of each. */
function scanHere(): void {
  const check = secrets({ gitleaks, seconds: 120, maxBlobBytes: 50 << 20, fingerprintKey: 'bench' })
  process.on('message', async (push: Push) => {
    const [started, programs] = [process.cpuUsage(), programsMs()]
    const refusals = await runCheck(check, incoming(...push), new AbortController().signal)
    if (refusals.length > 0) throw new Error('a clean push was refused')
    const { user, system } = process.cpuUsage(started)
    process.send?.({ own: (user + system) / 1000, programs: programsMs() - programs })
  })
}

/** The processor time of this process's ended children, in milliseconds. */
const programsMs = () => timesOf(process.pid).children * 1000

/** Lines of code, each of them another. */
function linesOf(bytes: number): string[] {
  const lines: string[] = []
  for (let size = 0; size < bytes; ) {
    const line = `  const ${randomBytes(3).toString('hex')} = compute(${lines.length}, other.value)`
    lines.push(line)
    size += line.length + 1
  }
  return lines
}

async function measure(rounds: number): Promise<void> {
  await using resources = new AsyncDisposableStack()
  resources.defer(() => templates.dispose())
  const scans = fork(self, ['--scan'])
  resources.defer(() => scans.disconnect())
  const costs = new Map<string, Cost[]>()
  const contenders: { name: string; run: (round: number) => Promise<number> }[] = []
  for (const size of SIZES) {
    const tree = await workTree()
    resources.defer(() => tree.dispose())
    const lines = linesOf(size)
    await tree.write('data.ts', lines.join('\n'))
    await tree.commit()
    await tree.publish('main')
    await maintain(createGit(tree.mirror, { PATH: process.env.PATH ?? '' }))
    const name = String(size)
    costs.set(name, [])
    contenders.push({
      name,
      async run(round) {
        lines[Math.floor(lines.length / 2)] = `  const changed = ${round}`
        await tree.write('data.ts', lines.join('\n'))
        await tree.commit()
        const { git, scratch, commands } = await tree.push(['main:refs/heads/new'])
        scans.send([
          git.dir,
          git.env.GIT_CONFIG_GLOBAL ?? '',
          scratch.replace(/\/scratch$/, ''),
          [...commands],
          {},
        ] satisfies Push)
        const [cost]: Cost[] = await once(scans, 'message')
        if (!cost) throw new Error('the scan has no cost')
        if (round > 0) costs.get(name)?.push(cost)
        await tree.publish('main')
        return cost.own + cost.programs
      },
    })
  }
  const times = await compare(contenders, rounds)
  const format = (values: readonly number[]) => {
    const { median, low, high } = spread(values)
    return `${median.toFixed(0)} ms (${low.toFixed(0)}–${high.toFixed(0)})`
  }
  console.log(
    '| one line changed in a file of | processor time | the gate | its programs |\n|---|---|---|---|',
  )
  for (const [name, cost] of costs) {
    const [own, programs] = [cost.map(({ own }) => own), cost.map(({ programs }) => programs)]
    const all = times.get(name) ?? []
    console.log(`| ${Number(name) / 1000} kB | ${format(all)} | ${format(own)} | ${format(programs)} |`)
  }
  const [short = [], long = []] = SIZES.map(size => times.get(String(size)) ?? [])
  const { median, low, high } = ratio(long, short)
  console.log(`| ratio, round by round | ${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)}) | | |`)
}

if (process.argv[2] === '--scan') scanHere()
else await measure(Number(process.argv[2] ?? 10))
