import { git } from '../../test/harness/git.ts'
import { mustGit } from '../bench-fixture.ts'
import { compare, timed } from '../measure.ts'
import { compared, type Row } from '../row.ts'
import { workTree } from '../work-tree.ts'

/** A push to a forbidden ref, compared with a push to an allowed ref. */
export const refusal: Row = {
  name: 'refusal',
  async run(stage, { rounds }) {
    const place = await stage.place('guarded', { commits: 100 })
    const { url, env } = await stage.gate.agent('bob', place.name, ['refs/heads/bob/**'])
    const tree = await workTree(stage, place.dir)
    const times = await compare(
      [
        {
          name: 'refused',
          async run() {
            await tree.change()
            return timed(async () => {
              const ran = await git(['push', '-q', url, 'HEAD:refs/heads/main'], { cwd: tree.dir, env })
              if (!/git-gate: bob may/.test(ran.output)) throw new Error(`not refused: ${ran.output}`)
            })
          },
        },
        {
          name: 'accepted',
          async run() {
            await tree.change()
            return timed(() =>
              mustGit(['push', '-q', url, 'HEAD:refs/heads/bob/fix'], { cwd: tree.dir, env }),
            )
          },
        },
      ],
      rounds,
    )
    const line = { work: 'refuse a forbidden ref', against: 'accepted small push', target: 0.5 }
    return [compared(line, times.get('refused') ?? [], times.get('accepted') ?? [])]
  },
}
