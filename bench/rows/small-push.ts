import { compare, timed } from '../measure.ts'
import { bareScanOfCommit } from '../peers/gitleaks.ts'
import { compared, type Result, type Row } from '../row.ts'
import { mustGit, type Stage } from '../stage.ts'
import { workTree } from '../work-tree.ts'

/** One commit with one small file, onto a branch that is there. */
export const smallPush: Row = {
  name: 'small-push',
  async run(stage, { rounds }) {
    const results: Result[] = []
    for (const roundTripMs of [0, 20, 80]) results.push(...(await at(stage, roundTripMs, rounds)))
    return results
  },
}

async function at(stage: Stage, roundTripMs: number, rounds: number): Promise<Result[]> {
  const place = await stage.place(`small-${roundTripMs}`, { commits: 100 }, roundTripMs)
  const one = await workTree(stage, place.dir)
  const other = await workTree(stage, place.dir)
  const scans: number[] = []
  const times = await compare(
    [
      {
        name: 'gate',
        async run() {
          await one.change()
          return timed(() => mustGit(['push', '-q', place.gate, 'HEAD:refs/heads/one'], { cwd: one.dir }))
        },
      },
      {
        name: 'ssh',
        async run(round) {
          await other.change()
          const push = await timed(() =>
            mustGit(['push', '-q', place.ssh, 'HEAD:refs/heads/other'], {
              cwd: other.dir,
              env: stage.sshEnv,
            }),
          )
          const scan = await timed(() => bareScanOfCommit(other.dir))
          if (round > 0) scans.push(scan)
          return push
        },
      },
    ],
    rounds,
  )
  const [gate = [], ssh = []] = [times.get('gate'), times.get('ssh')]
  const work = `push one small commit, ${roundTripMs} ms`
  const both = compared(
    {
      work,
      against: 'ssh direct + one bare gitleaks run over the same commit',
      ...(roundTripMs === 0 ? { target: 0.75 } : {}),
    },
    gate,
    ssh.map((ms, i) => ms + (scans[i] ?? Number.NaN)),
  )
  const alone = compared(
    { work, against: 'ssh direct (no scan)', ...(roundTripMs === 0 ? {} : { target: 0.7 }) },
    gate,
    ssh,
  )
  return [both, alone]
}
