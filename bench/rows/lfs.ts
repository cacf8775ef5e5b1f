import fs from 'node:fs'
import path from 'node:path'
import { mustGit, type Remote, type Stage } from '../bench-fixture.ts'
import { lfsTree, objectsOf, startStageLfs } from '../lfs-tree.ts'
import { compare, timed } from '../measure.ts'
import { scanAsGate } from '../peers/gate-scan.ts'
import { bareScanOfFiles } from '../peers/gitleaks.ts'
import { compared, type Effort, type Result, type Row } from '../row.ts'

const TARGET = 1.15
const COUNTS = [1, 10, 1_000]

/** The part of the objects that the uncounted first round sends: 1,000 objects take the gate half a minute. */
const WARM_UP_SHARE = 0.1

/** Uploads and downloads of Git LFS objects, of 200 MB together, by `git lfs push` and `git lfs fetch`. */
export const lfs: readonly Row[] = COUNTS.map(count => ({
  name: `lfs-${count}`,
  async run(stage, effort) {
    await using _server = await startStageLfs(stage)
    // The server has to run until the end.
    return await transfers(stage, effort, count)
  },
}))

async function transfers(stage: Stage, { rounds, quick }: Effort, count: number): Promise<Result[]> {
  const megabytes = quick ? 20 : 200
  const place = await stage.place(`lfs-${count}`, { commits: 20 })
  const scans: Scans = { bare: [], gate: [] }
  const trees: string[] = []
  const up = (name: 'gate' | 'ssh') => ({
    name,
    async run(round: number) {
      const isWarmUp = round === 0
      const share = isWarmUp ? WARM_UP_SHARE : 1
      const tree = await lfsTree(stage, place, Math.ceil(count * share), megabytes * share * 1e6)
      const { url, env } = place[name]
      const ms = await timed(() => mustGit(['lfs', 'push', url, 'HEAD'], { cwd: tree.dir, env }))
      // A pointer in the repository lets the gate serve the object.
      const branch = `HEAD:refs/heads/${name}-${round}`
      const { gate } = place
      await mustGit(['push', '-q', '--no-verify', gate.url, branch], { cwd: tree.dir, env: gate.env })
      if (name === 'ssh' && !isWarmUp) {
        scans.bare.push(await timed(() => bareScanOfFiles(objectsOf(tree))))
        scans.gate.push(await timed(() => scanAsGate(objectsOf(tree), stage.fresh('scan'))))
      }
      fs.rmSync(path.join(tree.dir, '.git/lfs'), { recursive: true })
      if (!isWarmUp) trees.push(tree.dir)
      return ms
    },
  })
  const runs = Math.min(rounds, 3)
  const pushed = await compare([up('gate'), up('ssh')], runs)
  const [cwd = ''] = trees
  const down = (name: string, { url, env }: Remote, before = () => {}) => ({
    name,
    async run() {
      before()
      const ms = await timed(() => mustGit(['lfs', 'fetch', url, 'HEAD'], { cwd, env }))
      fs.rmSync(objectsOf({ dir: cwd }), { recursive: true })
      return ms
    },
  })
  const emptyStore = () => fs.rmSync(path.join(stage.gate.home, 'companion/lfs'), { recursive: true })
  const fetched = await compare(
    [down('first', place.gate, emptyStore), down('second', place.gate), down('ssh', place.ssh)],
    runs,
  )
  for (const dir of trees) fs.rmSync(dir, { recursive: true })
  const label = `${megabytes} MB in ${count} LFS object${count > 1 ? 's' : ''}`
  return resultsOf(label, pushed, scans, fetched)
}

type Times = ReadonlyMap<string, readonly number[]>

/** The milliseconds of each round's scans of the objects, without an upload. */
interface Scans {
  readonly bare: number[]
  readonly gate: number[]
}

const SCAN_NOTE =
  'the scan is on both sides: the target is without its time, and the gate scans while it receives, so that its time alone cannot be taken out of an upload'

function resultsOf(what: string, pushed: Times, scans: Scans, fetched: Times): Result[] {
  const timesOf = (times: Times, name: string) => times.get(name) ?? []
  const direct = timesOf(pushed, 'ssh')
  const plus = (more: readonly number[]) => direct.map((ms, i) => ms + (more[i] ?? Number.NaN))
  const [uploads, downloads] = [timesOf(pushed, 'gate'), timesOf(fetched, 'ssh')]
  const line = (work: string, against: string, target?: number) => ({
    work: `${work}, ${what}`,
    against,
    ...(target ? { target } : {}),
  })
  const own = 'git-lfs direct + the gate’s own scan of the same objects, by itself'
  const bare = 'git-lfs direct + bare gitleaks over the same objects'
  return [
    compared({ ...line('upload', own, TARGET), note: SCAN_NOTE }, uploads, plus(scans.gate)),
    compared(line('upload', bare), uploads, plus(scans.bare)),
    compared(line('upload', 'git-lfs direct (no scan)'), uploads, direct),
    compared(line('first download', 'git-lfs direct', TARGET), timesOf(fetched, 'first'), downloads),
    compared(line('second download', 'git-lfs direct', 1), timesOf(fetched, 'second'), downloads),
  ]
}
