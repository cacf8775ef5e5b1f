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
    for (const roundTripMs of [0, 20, 80]) results.push(...(await at(stage, roundTripMs, rounds)))
    await using _ = busyCore()
    return [...results, ...(await at(stage, 0, rounds, ', one core busy'))]
  },
}

async function at(stage: Stage, roundTripMs: number, rounds: number, machine = ''): Promise<Result[]> {
  // Separate, equal upstreams: the gate would first have to fetch a direct push to its own upstream.
  const pusher = async (way: string) => {
    const place = await stage.place(
      `small-${roundTripMs}-${way}${machine ? '-busy' : ''}`,
      { commits: 100 },
      roundTripMs,
    )
    const tree = await workTree(stage, place.dir)
    const push = ({ url, env }: Remote, branch: string) =>
      mustGit(['push', '-q', url, `HEAD:refs/heads/${branch}`], { cwd: tree.dir, env })
    return { place, tree, push }
  }
  const quiet = await pusher('gate')
  const busy = await pusher('busy')
  const direct = await pusher('ssh')
  const scans: number[] = []
  const times = await compare(
    [
      {
        name: 'gate',
        async run() {
          await quiet.tree.change()
          return timed(() => quiet.push(quiet.place.gate, 'one'))
        },
      },
      {
        name: 'gate after news',
        async run() {
          await busy.tree.change()
          await busy.push({ url: busy.place.dir, env: {} }, 'other')
          await busy.tree.change()
          return timed(() => busy.push(busy.place.gate, 'one'))
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
  const [gate = [], news = [], ssh = []] = [times.get('gate'), times.get('gate after news'), times.get('ssh')]
  const work = `push one small commit, ${roundTripMs} ms${machine}`
  return [
    compared(
      {
        work,
        against: 'ssh direct + one bare gitleaks run over the same commit',
        ...(roundTripMs === 0 ? { target: machine ? 0.8 : 0.5 } : {}),
      },
      gate,
      ssh.map((ms, i) => ms + (scans[i] ?? Number.NaN)),
    ),
    compared(
      { work, against: 'ssh direct (no scan)', ...(roundTripMs === 0 ? {} : { target: 0.5 }) },
      gate,
      ssh,
    ),
    compared(
      {
        work: `${work}, upstream has moved`,
        against: 'ssh direct (no scan)',
        ...(machine ? {} : { target: roundTripMs === 0 ? 0.9 : 0.7 }),
      },
      news,
      ssh,
    ),
  ]
}
