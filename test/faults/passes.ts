import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { PushReport } from '../../src/contract/outcome.ts'
import { PASS_HEADER, PASS_SECONDS, Pass, PROTOCOL, ROUTES, signPass } from '../../src/contract/pass.ts'
import type { Gate } from '../harness/index.ts'

type Wanted = Omit<Extract<Pass, { service: 'git-receive-pack' }>, 'v' | 'exp' | 'service' | 'id'>

/** What an agent's push needs of the companion, as the Worker would ask for it. */
export async function grantOn(gate: Gate, repository: string, agent: string): Promise<Wanted> {
  const { upstream, ...settings } = z
    .looseObject({ upstream: z.string() })
    .parse(await gate.admin.ask('GET', `/repositories/${repository}`))
  const { terms } = z
    .object({ terms: z.unknown() })
    .parse(await gate.admin.ask('GET', `/grants/${agent}/${repository}`))
  const pass = Pass.parse({
    service: 'git-receive-pack',
    v: PROTOCOL,
    id: '-',
    exp: 0,
    repository: { ...settings, url: upstream },
    agent,
    terms,
    exceptions: [],
    gitleaksConfig: '',
  })
  if (pass.service !== 'git-receive-pack') throw new Error('this is no pass for a push')
  const { v: _, exp: __, service: ___, id: ____, ...wanted } = pass
  return wanted
}

/** The header that opens the companion for one push, and the push's id. */
export async function passFor(
  gate: Gate,
  wanted: Wanted,
): Promise<{ id: string; headers: Record<string, string> }> {
  const pass = { service: 'git-receive-pack', ...onePass(), ...wanted } as const
  return { id: pass.id, headers: await headersOf(gate, pass) }
}

/** The headers that open the companion for one fetch, with what an agent's push may do. */
export async function fetchHeaders(gate: Gate, wanted: Wanted): Promise<Record<string, string>> {
  const { repository, agent, terms } = wanted
  return headersOf(gate, { service: 'git-upload-pack', repository, agent, terms, ...onePass() })
}

/** What the companion says of a push. */
export async function reportOf(gate: Gate, push: string): Promise<PushReport | undefined> {
  const ask = { service: 'push-report', push, wait: 0, until: 'ended', ...onePass() } as const
  const answer = await fetch(new URL(ROUTES['push-report'].path, gate.companion.url), {
    headers: await headersOf(gate, ask),
  })
  return answer.ok ? PushReport.parse(await answer.json()) : undefined
}

const onePass = () =>
  ({ v: PROTOCOL, id: randomUUID(), exp: Math.floor(Date.now() / 1000) + PASS_SECONDS }) as const

const headersOf = async (gate: Gate, pass: Pass) => ({ [PASS_HEADER]: await signPass(pass, gate.passKey) })
