import { mustGit, type Remote } from '../../bench-fixture.ts'
import { compare, timed } from '../../measure.ts'
import { compared, type Result, type Row } from '../../row.ts'
import { workTree } from '../../work-tree.ts'

/** A fetch of a commit that was pushed to the upstream directly, so that the gate has to fetch it first. */
export const fetchOne: Row = {
  name: 'fetch',
  async run(stage, { rounds }) {
    const results: Result[] = []
    for (const roundTripMs of [0, 20, 80]) {
      const place = await stage.place(`fetched-${roundTripMs}`, { commits: 100 }, roundTripMs)
      const author = await workTree(stage, place.dir)
      const by = async (name: string, { url, env }: Remote) => {
        const reader = await workTree(stage, place.dir)
        return {
          name,
          async run() {
            await author.change()
            await author.text(['push', '-q', 'origin', 'HEAD:refs/heads/main'])
            return timed(() =>
              mustGit(['fetch', '-q', url, '+refs/heads/main:refs/bench/main'], { cwd: reader.dir, env }),
            )
          },
        }
      }
      const times = await compare([await by('gate', place.gate), await by('ssh', place.ssh)], rounds)
      results.push(
        compared(
          {
            work: `fetch with one new upstream commit, ${roundTripMs} ms`,
            against: 'ssh direct',
            ...(roundTripMs ? { target: 1.0 } : {}),
          },
          times.get('gate') ?? [],
          times.get('ssh') ?? [],
        ),
      )
    }
    return results
  },
}
