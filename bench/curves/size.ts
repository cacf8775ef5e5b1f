import path from 'node:path'
import { mustGit, type Stage } from '../bench-fixture.ts'
import { compare, spread, timed } from '../measure.ts'
import { bareScanOfFiles } from '../peers/gitleaks.ts'
import type { Drawing } from '../report/svg.ts'
import { binary } from '../repositories.ts'
import type { Effort } from '../row.ts'
import { workTree } from '../work-tree.ts'

/** Measures the duration of a push of a file of random bytes, by size. */
export async function size(stage: Stage, { quick }: Effort): Promise<Drawing> {
  const sizes = quick ? [1e4, 1e6] : [1e4, 1e5, 1e6, 1e7, 5e7, 1e8]
  // Separate, equal upstreams: the gate would first have to fetch a direct push to its own upstream.
  const places = {
    gate: await stage.place('sizes-gate', { commits: 20 }),
    ssh: await stage.place('sizes-ssh', { commits: 20 }),
  }
  const series = {
    gate: [] as [number, number][],
    ssh: [] as [number, number][],
    scan: [] as [number, number][],
  }
  for (const bytes of sizes) {
    const scans: number[] = []
    const by = async (name: 'gate' | 'ssh', scanned: boolean) => {
      const tree = await workTree(stage, places[name].dir)
      return {
        name,
        async run(round: number) {
          const folder = `size-${bytes}-${round}`
          await tree.change({ [`${folder}/file.dat`]: binary(bytes) })
          const { url, env } = places[name][name]
          const ms = await timed(() =>
            mustGit(['push', '-q', url, `HEAD:refs/heads/${bytes}`], { cwd: tree.dir, env }),
          )
          if (scanned) scans.push(await timed(() => bareScanOfFiles(path.join(tree.dir, folder))))
          return ms
        },
      }
    }
    const times = await compare([await by('gate', false), await by('ssh', true)], 3)
    const ssh = times.get('ssh') ?? []
    series.gate.push([bytes / 1e6, spread(times.get('gate') ?? []).median / 1000])
    series.ssh.push([bytes / 1e6, spread(ssh).median / 1000])
    series.scan.push([bytes / 1e6, spread(ssh.map((ms, i) => ms + (scans[i + 1] ?? 0))).median / 1000])
  }
  return {
    title: 'A push of one file of random bytes: how long, by its size',
    x: 'MB',
    y: 'seconds',
    logarithmic: true,
    series: [
      { name: 'gate', points: series.gate },
      { name: 'ssh direct + bare gitleaks', points: series.scan },
      { name: 'ssh direct (no scan)', points: series.ssh },
    ],
  }
}
