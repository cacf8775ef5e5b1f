import { git } from '../../test/harness/git.ts'
import { until } from '../../test/harness/until.ts'
import { mustGit, type Place, type Stage } from '../bench-fixture.ts'
import { compare, timed } from '../measure.ts'
import type { Shape } from '../repositories.ts'
import { compared, type Result, type Row } from '../row.ts'
import { workTree } from '../work-tree.ts'

/** The cost of a small push by the size of the repository, in commits and in refs. */
export const growth: Row = {
  name: 'growth',
  async run(stage, { rounds, quick }) {
    const commits = quick ? 10_000 : 100_000
    const branches = quick ? 5_000 : 50_000
    return [
      ...(await between(
        stage,
        `one commit into ${commits} commits`,
        'into 100 commits',
        { commits },
        { commits: 100 },
        rounds,
      )),
      ...(await between(
        stage,
        `one commit into ${branches} refs`,
        'into 10 refs',
        { branches },
        { branches: 9 },
        rounds,
      )),
    ]
  },
}

/** Resolves when the gate has a mirror: until then it may ask an agent to come again. */
const fetched = (place: Place) =>
  until(
    async () =>
      (
        await git(['-c', 'protocol.version=0', 'ls-remote', '-q', place.gate.url, 'HEAD'], {
          env: place.gate.env,
        })
      ).code === 0
        ? true
        : undefined,
    600_000,
    () => `the gate has no mirror of ${place.name}`,
  )

async function between(
  stage: Stage,
  work: string,
  against: string,
  large: Shape,
  small: Shape,
  rounds: number,
): Promise<Result[]> {
  const key = work.replaceAll(' ', '-')
  const by = async (name: string, shape: Shape) => {
    // Separate, equal upstreams: the gate would first have to fetch a direct push to its own upstream.
    const make = async (way: 'gate' | 'ssh') => {
      const place = await stage.place(`${key}-${name}-${way}`, shape)
      if (way === 'gate') await fetched(place)
      const tree = await workTree(stage, place.dir)
      const { url, env } = place[way]
      return {
        name: `${name} ${way}`,
        async run() {
          await tree.change()
          return timed(() => mustGit(['push', '-q', url, 'HEAD:refs/heads/one'], { cwd: tree.dir, env }))
        },
      }
    }
    return [await make('gate'), await make('ssh')]
  }
  const times = await compare([...(await by('large', large)), ...(await by('small', small))], rounds)
  const of = (name: string) => times.get(name) ?? []
  return [
    compared({ work, against, target: 1.2 }, of('large gate'), of('small gate')),
    compared({ work: `${work}, by ssh direct`, against }, of('large ssh'), of('small ssh')),
    compared(
      { work, against: 'ssh direct into the same', ...(large.branches ? { target: 0.8 } : {}) },
      of('large gate'),
      of('large ssh'),
    ),
  ]
}
