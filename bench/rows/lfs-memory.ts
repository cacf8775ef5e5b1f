import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { mustGit } from '../bench-fixture.ts'
import { peakResult, resetPeaks, residentMemory } from '../gate-memory.ts'
import { lfsTree, objectsOf, startStageLfs } from '../lfs-tree.ts'
import type { Result, Row } from '../row.ts'

/** The peak memory of Worker and companion above their idle memory, while a large LFS object passes. */
export const lfsMemory: Row = {
  name: 'lfs-memory',
  async run(stage, { quick }) {
    const megabytes = quick ? 100 : 1_000
    await using _server = await startStageLfs(stage)
    const place = await stage.place('lfs-heavy', { commits: 20 })
    const gate = await stage.anotherGate({ GATE_SCAN_SECONDS: '1800' }, [place.name])
    const { url, env } = await gate.agent('ada', place.name, ['refs/heads/**'])
    // The first requests load memory that later ones do not add to.
    const warm = await lfsTree(stage, place, 3, 30e6)
    const fetch = async (dir: string) => {
      fs.rmSync(objectsOf({ dir }), { recursive: true })
      await mustGit(['lfs', 'fetch', url, 'HEAD'], { cwd: dir, env })
    }
    await mustGit(['lfs', 'push', url, 'HEAD'], { cwd: warm.dir, env })
    await mustGit(['push', '-q', '--no-verify', url, 'HEAD:refs/heads/warm'], { cwd: warm.dir, env })
    await fetch(warm.dir)
    const tree = await lfsTree(stage, place, 1, megabytes * 1e6)
    await delay(3_000)
    const idle = residentMemory(gate)
    const results: Result[] = []
    const during = async (transfer: string, work: () => Promise<unknown>) => {
      resetPeaks(gate)
      await work()
      const note = 'the scan is a process of its own; the scan limit of this gate is raised to 1800 s'
      results.push(peakResult(gate, idle, `${transfer} of an LFS object of ${megabytes} MB`, note))
    }
    await during('upload', () => mustGit(['lfs', 'push', url, 'HEAD'], { cwd: tree.dir, env }))
    await mustGit(['push', '-q', '--no-verify', url, 'HEAD:refs/heads/heavy'], { cwd: tree.dir, env })
    await during('download from the store', () => fetch(tree.dir))
    fs.rmSync(path.join(gate.home, 'companion/lfs'), { recursive: true })
    await during('download from upstream', () => fetch(tree.dir))
    return results
  },
}
