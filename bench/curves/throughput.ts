import { cloneIn } from '../../test/harness/clone.ts'
import { mustGit, type Remote, type Stage } from '../bench-fixture.ts'
import { timed } from '../measure.ts'
import type { Drawing } from '../report/svg.ts'
import { text } from '../repositories.ts'
import type { Effort } from '../row.ts'
import { agentsOf, oneAgent } from '../rows/agents-at-once.ts'

/** Measures rounds of clone, commit and push per second, by the number of concurrent agents. */
export async function throughput(stage: Stage, { quick }: Effort): Promise<Drawing> {
  const counts = quick ? [1, 4] : [1, 2, 5, 10, 20, 50, 100]
  // Separate, equal upstreams: the gate would first have to fetch a direct push to its own upstream.
  const place = await stage.place('throughput-gate', { commits: 100 })
  const theirs = await stage.place('throughput-ssh', { commits: 100 })
  const remotes = await agentsOf(stage, place, Math.max(...counts))
  const gate: [number, number][] = []
  const ssh: [number, number][] = []
  const rate = async (count: number, each: (i: number) => Promise<unknown>) => {
    const turns = Math.max(1, Math.ceil(10 / count))
    const ms = await timed(() =>
      Promise.all(
        Array.from({ length: count }, async (_, i) => {
          for (let turn = 0; turn < turns; turn++) await each(i * turns + turn)
        }),
      ),
    )
    return (count * turns * 1000) / ms
  }
  const remoteOf = (i: number) => remotes[i] ?? place.gate
  await oneAgent(stage, remoteOf(0), 'warm')
  for (const count of counts) {
    gate.push([
      count,
      await rate(count, i => oneAgent(stage, remoteOf(i % count), `gate-${count}/agent-${i}`)),
    ])
    ssh.push([count, await rate(count, i => direct(stage, theirs.ssh, `ssh-${count}/agent-${i}`))])
  }
  return {
    title: 'Clone, commit and push: how often, by agents at once',
    x: 'agents at once',
    y: 'rounds a second',
    series: [
      { name: 'gate (every push scanned)', points: gate },
      { name: 'ssh direct (no scan)', points: ssh },
    ],
  }
}

async function direct(stage: Stage, { url, env }: Remote, branch: string): Promise<void> {
  const dir = stage.fresh('direct')
  await mustGit(['clone', '-q', url, dir], { env })
  await cloneIn(dir).commit('A change', { [`${branch}.txt`]: text(2_000) })
  await mustGit(['push', '-q', 'origin', `HEAD:refs/heads/${branch}`], { cwd: dir, env })
}
