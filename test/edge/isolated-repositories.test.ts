import { expect, test } from 'vitest'
import { accepted } from '../harness/index.ts'
import { startEdgeGate } from './fixtures/edge-gate.ts'

const names = Array.from({ length: 5 }, (_, n) => `repository-${n}`)
const [crashing = '', ...others] = names
const ROUNDS = 2

test('five repositories under load are isolated, and the crash of one does not affect the others', async () => {
  await using gate = await startEdgeGate({ repositories: names })

  /** Pushes a branch per round, each from a fresh clone. Returns the expected refs of upstream. */
  const work = async (name: string, afterRound: (round: number) => void = () => {}) => {
    const agent = await gate.repository(name).agent(`agent-of-${name}`)
    const pushed: Record<string, string> = {}
    for (let round = 0; round < ROUNDS; round++) {
      const clone = await agent.clone()
      const commit = await clone.commit(`Round ${round}`, { [`${name}.txt`]: `${name} ${round}\n` })
      const branch = `refs/heads/agent-of-${name}/round-${round}`
      expect(await clone.push(`HEAD:${branch}`)).toMatchObject(accepted)
      pushed[branch] = commit
      afterRound(round)
    }
    return pushed
  }

  const crash = (round: number) => {
    if (round === 0) gate.repository(crashing).container().child.kill('SIGKILL')
  }
  const all = await Promise.all(names.map(name => work(name, name === crashing ? crash : undefined)))

  for (const [index, name] of names.entries()) {
    const { upstream } = gate.repository(name)
    const refs = await upstream.refs()
    delete refs['refs/heads/main']
    expect(refs).toEqual(all[index])
    const identity = `GATE_IDENTITY_${name.toUpperCase().replace('-', '_')}`
    for (const { env } of gate.repository(name).containers())
      expect(Object.keys(env).filter(key => key.startsWith('GATE_IDENTITY_'))).toEqual([identity])
  }
  for (const name of others) expect(gate.repository(name).containers()).toHaveLength(1)
  expect(gate.repository(crashing).containers()).toHaveLength(2)
}, 300_000)
