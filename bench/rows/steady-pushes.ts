import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { git } from '../../test/harness/git.ts'
import type { Gate, Stage } from '../bench-fixture.ts'
import { type Memory, mb, residentMemory } from '../gate-memory.ts'
import type { Row } from '../row.ts'
import { workTree } from '../work-tree.ts'

const AGENTS = 20
const REPOSITORIES = 5
const PUSHES_A_MINUTE = 500

interface Pushed {
  readonly ms: number
  /** git's output, if the push failed. */
  readonly failure?: string
}

/** Many agents that push to several repositories, at a rate that is held for minutes. */
export const steadyPushes: Row = {
  name: 'steady-pushes',
  async run(stage, { rounds, quick }) {
    const minutes = quick ? 0.25 : Math.min(rounds, 10)
    const agents: Awaited<ReturnType<typeof pusher>>[] = []
    for (let i = 0; i < AGENTS; i++) agents.push(await pusher(stage, i))
    for (const push of agents) await push()
    const started = performance.now()
    const watched = memoryByQuarter(stage.gate, minutes * 60_000)
    const pushed = (
      await Promise.all(agents.map((push, i) => pushInTurn(push, i, started, minutes * 60_000)))
    ).flat()
    const tookMinutes = (performance.now() - started) / 60_000
    const times = pushed.map(({ ms }) => ms).sort((a, b) => a - b)
    const at = (share: number) => (times[Math.floor((times.length - 1) * share)] ?? Number.NaN).toFixed(0)
    const failures = pushed.flatMap(({ failure }) => failure ?? [])
    for (const failure of failures.slice(0, 5)) console.error(failure)
    const rate = pushed.length / tookMinutes
    return [
      {
        work: `${PUSHES_A_MINUTE} pushes a minute by ${AGENTS} agents into ${REPOSITORIES} repositories`,
        against: 'the rate, and no failure',
        gate: `${failures.length} of ${pushed.length} pushes failed; ${rate.toFixed(0)} a minute for ${tookMinutes.toFixed(1)} minutes; median ${at(0.5)} ms, p99 ${at(0.99)} ms; memory before and after each quarter: ${await watched}`,
        peer: '',
        reached: failures.length === 0 && rate >= 0.95 * PUSHES_A_MINUTE,
      },
    ]
  },
}

async function pusher(stage: Stage, index: number): Promise<() => Promise<Pushed>> {
  const place = await stage.place(`steady-${index % REPOSITORIES}`, { commits: 100 })
  const { url, env } = await stage.gate.agent(`steady-${index}`, place.name, ['refs/heads/**'])
  const tree = await workTree(stage, place.dir)
  return async () => {
    await tree.change()
    const started = performance.now()
    const ran = await git(['push', '-q', url, `HEAD:refs/heads/steady-${index}`], {
      cwd: tree.dir,
      env,
      within: 300_000,
    })
    const ms = performance.now() - started
    return ran.code === 0 ? { ms } : { ms, failure: ran.output }
  }
}

/** Pushes at the agent's turns, or at once if a turn is past. */
async function pushInTurn(
  push: () => Promise<Pushed>,
  index: number,
  started: number,
  forMs: number,
): Promise<Pushed[]> {
  const pushed: Pushed[] = []
  for (let turn = index; ; turn += AGENTS) {
    const wait = started + (turn * 60_000) / PUSHES_A_MINUTE - performance.now()
    if (wait > 0) await delay(wait)
    if (performance.now() - started > forMs) return pushed
    pushed.push(await push())
  }
}

/** The resident memory of Worker and companion, before and after each quarter of this time. */
async function memoryByQuarter(gate: Gate, forMs: number): Promise<string> {
  const samples = [residentMemory(gate)]
  for (let quarter = 1; quarter <= 4; quarter++) {
    await delay(forMs / 4)
    samples.push(residentMemory(gate))
  }
  const list = (part: keyof Memory) => samples.map(sample => mb(sample[part])).join(', ')
  return `Worker ${list('worker')}; companion ${list('companion')}`
}
