import fs from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { descendantsOf } from '../../local/process/processes.ts'
import { mustGit } from '../bench-fixture.ts'
import { mb, memoryOf, peakResult, resetPeaks, residentMemory } from '../gate-memory.ts'
import { binary } from '../repositories.ts'
import type { Result, Row } from '../row.ts'
import { workTree } from '../work-tree.ts'

/** The peak memory of Worker and companion above their idle memory, during a large push and a large clone. */
export const memory: Row = {
  name: 'memory',
  async run(stage, { quick }) {
    const megabytes = quick ? 100 : 1_000
    const place = await stage.place('heavy', { commits: 20 })
    const gate = await stage.anotherGate({ GATE_SCAN_SECONDS: '1800', GATE_FORWARD_SECONDS: '1800' }, [
      place.name,
    ])
    const { url, env } = await gate.agent('ada', place.name, ['refs/heads/**'])
    // Warms up first: the memory that the first requests load does not grow with later requests.
    const tree = await workTree(stage, place.dir)
    for (let i = 0; i < 5; i++) {
      await tree.change()
      await mustGit(['push', '-q', url, 'HEAD:refs/heads/warm'], { cwd: tree.dir, env })
      await mustGit(['clone', '-q', '--bare', url, stage.fresh('warm')], { env })
    }
    await delay(3_000)
    const idle = residentMemory(gate)
    const results: Result[] = [
      {
        work: 'idle memory of the companion',
        against: '',
        gate: `${mb(idle.companion)} (Worker: ${mb(idle.worker)})`,
        peer: '',
      },
    ]
    const names = Array.from({ length: megabytes / 10 }, (_, i) => `data/file-${i}.bin`)
    await tree.change(Object.fromEntries(names.map(name => [name, binary(10_000_000)])))
    const during = async (what: string, work: () => Promise<unknown>) => {
      resetPeaks(gate)
      const searches = watchSearches(gate.processes.companion)
      await work()
      const search = searches.stop()
      const note = `counted are workerd and the companion; its children are git and gitleaks, as a direct push has them${search ? `, and the search of a large push, a process of its own that held up to ${mb(search)}` : ''}; scan and forward limits of this gate are raised to 1800 s`
      results.push(peakResult(gate, idle, `${what} of ${megabytes} MB`, note))
    }
    await during('push', () => mustGit(['push', '-q', url, 'HEAD:refs/heads/heavy'], { cwd: tree.dir, env }))
    await during('clone', async () => {
      const into = stage.fresh('heavy')
      await mustGit(['clone', '-q', '--bare', url, into], { env })
      fs.rmSync(into, { recursive: true })
    })
    return results
  },
}

/** Samples the peak memory of the companion's search processes, in bytes; 0 if there was no process. */
function watchSearches(companion: number): { stop(): number } {
  let most = 0
  const look = () => {
    for (const { pid, name } of descendantsOf(companion)) {
      if (!name.startsWith('node') && !name.startsWith('MainThread')) continue
      try {
        most = Math.max(most, memoryOf(pid, 'VmHWM'))
      } catch {
        // ENOENT: the process has ended.
      }
    }
  }
  const timer = setInterval(look, 250)
  return {
    stop() {
      clearInterval(timer)
      return most
    },
  }
}
