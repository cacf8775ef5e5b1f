import { mustGit, type Remote, type Stage } from '../bench-fixture.ts'
import { busyCore, compare, timed } from '../measure.ts'
import { bareScanOfCommit } from '../peers/gitleaks.ts'
import { compared, type Result, type Row } from '../row.ts'
import { workTree } from '../work-tree.ts'

/** A push of a commit with a small file to an existing branch. */
export const smallPush: Row = {
  name: 'small-push',
  async run(stage, { rounds }) {
    const results: Result[] = []
    for (const roundTripMs of [0, 20, 80]) results.push(...(await measure(stage, roundTripMs, rounds)))
    await using _ = busyCore()
    return [...results, ...(await measure(stage, 0, rounds, ', one core busy'))]
  },
}

async function measure(stage: Stage, roundTripMs: number, rounds: number, machine = ''): Promise<Result[]> {
  const label = (way: string) => `small-${roundTripMs}-${way}${machine ? '-busy' : ''}`
  // Separate, equal upstreams: the gate would first have to fetch a direct push to its own upstream.
  const [unmoved, moved, direct] = [
    await createPusher(stage, label('gate'), roundTripMs),
    await createPusher(stage, label('busy'), roundTripMs),
    await createPusher(stage, label('ssh'), roundTripMs),
  ]
  const scans: number[] = []
  const times = await compare(
    [
      {
        name: 'gate',
        async run() {
          await unmoved.tree.change()
          return timed(() => unmoved.push(unmoved.place.gate, 'one'))
        },
      },
      {
        name: 'gate, upstream has moved',
        async run() {
          await moved.tree.change()
          await moved.push({ url: moved.place.dir, env: {} }, 'other')
          await moved.tree.change()
          return timed(() => moved.push(moved.place.gate, 'one'))
        },
      },
      {
        name: 'ssh',
        async run(round) {
          await direct.tree.change()
          const push = await timed(() => direct.push(direct.place.ssh, 'one'))
          const scan = await timed(() => bareScanOfCommit(direct.tree.dir))
          if (round > 0) scans.push(scan)
          return push
        },
      },
    ],
    rounds,
  )
  const of = (name: string) => times.get(name) ?? []
  const series = { gate: of('gate'), moved: of('gate, upstream has moved'), ssh: of('ssh'), scans }
  return results(series, roundTripMs, machine)
}

/** Creates an upstream, and a work tree whose commits can be pushed to it. */
async function createPusher(stage: Stage, name: string, roundTripMs: number) {
  const place = await stage.place(name, { commits: 100 }, roundTripMs)
  const tree = await workTree(stage, place.dir)
  const push = ({ url, env }: Remote, branch: string) =>
    mustGit(['push', '-q', url, `HEAD:refs/heads/${branch}`], { cwd: tree.dir, env })
  return { place, tree, push }
}

/** The times of a round, in milliseconds. */
interface Series {
  readonly gate: readonly number[]
  readonly moved: readonly number[]
  readonly ssh: readonly number[]
  readonly scans: readonly number[]
}

function results({ gate, moved, ssh, scans }: Series, roundTripMs: number, machine: string): Result[] {
  const isLocal = roundTripMs === 0
  const work = `push one small commit, ${roundTripMs} ms${machine}`
  return [
    compared(
      {
        work,
        against: 'ssh direct + one bare gitleaks run over the same commit',
        ...(isLocal ? { target: machine ? 0.8 : 0.5 } : {}),
      },
      gate,
      ssh.map((ms, i) => ms + (scans[i] ?? Number.NaN)),
    ),
    compared({ work, against: 'ssh direct (no scan)', ...(isLocal ? {} : { target: 0.5 }) }, gate, ssh),
    compared(
      {
        work: `${work}, upstream has moved`,
        against: 'ssh direct (no scan)',
        ...(machine ? {} : { target: isLocal ? 0.9 : 0.7 }),
      },
      moved,
      ssh,
    ),
  ]
}
