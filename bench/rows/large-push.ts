import fs from 'node:fs'
import path from 'node:path'
import { mustGit } from '../bench-fixture.ts'
import { compare, timed } from '../measure.ts'
import { bareScanOfFiles } from '../peers/gitleaks.ts'
import { binary, text } from '../repositories.ts'
import { compared, type Result, type Row } from '../row.ts'
import { workTree } from '../work-tree.ts'

const FILES = 20

/** A push of a commit with 100 MB of new files. */
export const largePush: Row = {
  name: 'large-push',
  async run(stage, { rounds, quick }) {
    const results: Result[] = []
    for (const [kind, make] of Object.entries({ text, binaries: binary })) {
      const megabytes = quick ? 10 : 100
      const scans: number[] = []
      // Separate, equal upstreams: the gate would first have to fetch a direct push to its own upstream.
      const by = async (name: 'gate' | 'ssh', scanned: boolean) => {
        const place = await stage.place(`pushed-${kind}-${name}`, { commits: 20 })
        const run = async (round: number) => {
          const tree = await workTree(stage, place.dir)
          const folder = `data-${name}-${round}`
          const names = Array.from({ length: FILES }, (_, i) => `${folder}/file-${i}.dat`)
          await tree.change(Object.fromEntries(names.map(file => [file, make((megabytes * 1e6) / FILES)])))
          const { url, env } = place[name]
          const push = await timed(() =>
            mustGit(['push', '-q', url, `HEAD:refs/heads/${folder}`], { cwd: tree.dir, env }),
          )
          if (scanned) {
            const scan = await timed(() => bareScanOfFiles(path.join(tree.dir, folder)))
            if (round > 0) scans.push(scan)
          }
          fs.rmSync(tree.dir, { recursive: true })
          return push
        }
        return { name, run }
      }
      const times = await compare([await by('gate', false), await by('ssh', true)], Math.min(rounds, 3))
      const [gate = [], ssh = []] = [times.get('gate'), times.get('ssh')]
      const work = `push ${megabytes} MB of ${kind}`
      const target = 1.1
      const both = ssh.map((ms, i) => ms + (scans[i] ?? Number.NaN))
      results.push(
        compared({ work, against: 'ssh direct + bare gitleaks over the same files', target }, gate, both),
        compared({ work, against: 'ssh direct (no scan)' }, gate, ssh),
      )
    }
    return results
  },
}
