import { cloneIn } from '../../test/harness/clone.ts'
import { mustGit, type Place, type Remote, type Stage } from '../bench-fixture.ts'
import { compare, timed } from '../measure.ts'
import { bareScanOfCommit } from '../peers/gitleaks.ts'
import { text } from '../repositories.ts'
import { compared, type Row } from '../row.ts'

/** Does the work of an agent: clones, commits, and pushes to a branch of its own. */
export async function oneAgent(stage: Stage, { url, env }: Remote, branch: string): Promise<string> {
  const dir = stage.fresh('agent')
  await mustGit(['clone', '-q', url, dir], { env })
  const tree = cloneIn(dir)
  await tree.commit('A change', { [`${branch}.txt`]: text(2_000) })
  await mustGit(['push', '-q', 'origin', `HEAD:refs/heads/${branch}`], { cwd: dir, env })
  return dir
}

export async function agentsOf(stage: Stage, place: Place, count: number): Promise<readonly Remote[]> {
  const remotes: Remote[] = []
  for (let i = 0; i < count; i++)
    remotes.push(await stage.gate.agent(`agent-${i}`, place.name, ['refs/heads/**']))
  return remotes
}

/** Concurrent agents, compared with the same work in sequence. */
export const agentsAtOnce: Row = {
  name: 'agents',
  async run(stage, { rounds, quick }) {
    const count = quick ? 8 : 32
    const place = await stage.place('shared', { commits: 100 })
    const direct = await stage.place('shared-direct', { commits: 100 })
    const remotes = await agentsOf(stage, place, count)
    const branch = (how: string, round: number, i: number) => `${how}/round-${round}/agent-${i}`
    const times = await compare(
      [
        {
          name: 'at once',
          run: round =>
            timed(() =>
              Promise.all(remotes.map((remote, i) => oneAgent(stage, remote, branch('at-once', round, i)))),
            ),
        },
        {
          name: 'ssh at once',
          run: round =>
            timed(() =>
              Promise.all(
                remotes.map(async (_, i) => {
                  const branchName = branch('ssh', round, i)
                  await bareScanOfCommit(await oneAgent(stage, direct.ssh, branchName))
                }),
              ),
            ),
        },
        {
          name: 'in turn',
          run: round =>
            timed(async () => {
              for (const [i, remote] of remotes.entries())
                await oneAgent(stage, remote, branch('in-turn', round, i))
            }),
        },
      ],
      Math.min(rounds, 4),
    )
    const work = `${count} agents at once: clone, commit, push`
    const line = {
      work,
      against: 'the same work one after another',
      target: 0.7,
      note: 'every clone and push succeeded; one that fails ends the bench',
    }
    const gate = times.get('at once') ?? []
    const against = `ssh direct + bare gitleaks, ${count} at once`
    return [
      compared(line, gate, times.get('in turn') ?? []),
      compared({ work, against, target: 0.7 }, gate, times.get('ssh at once') ?? []),
    ]
  },
}
