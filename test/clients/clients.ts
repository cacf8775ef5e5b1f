import { execFile } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gate, startGate } from '../harness/index.ts'
import { type Client, clients, prepare } from './install.ts'
import { Step, writeTable } from './table.ts'

const STEPS = ['clone', 'push', 'fetch', 'tag', 'delete']
const results = new Map<Client, readonly Step[] | string>()

let gate: Gate
beforeAll(async () => {
  gate = await startGate()
})
afterAll(async () => {
  writeTable(results)
  await gate[Symbol.asyncDispose]()
})

describe.each(clients.map(client => [client.name, client] as const))('%s', (_name, client) => {
  test(
    'clones, fetches, pushes, tags and deletes; a refusal has its reason',
    async context => {
      const prepared = await prepare(client)
      if ('skipped' in prepared) {
        results.set(client, prepared.skipped)
        return context.skip(prepared.skipped)
      }
      const steps = await runClient(client, prepared.command)
      results.set(client, steps)
      const failed = steps.filter(({ step, ok }) => STEPS.includes(step) && !ok)
      expect(failed).toEqual([])
      const refused = steps.find(({ step }) => step === 'refused')
      if (refused) expect(refused).toMatchObject({ ok: false })
      if (refused) expect(refused.words).toMatch(/may (create|update) refs\/heads\//)
    },
    25 * 60_000,
  )
})

async function runClient(client: Client, [command = '', ...args]: readonly string[]): Promise<Step[]> {
  const own = client.name.toLowerCase()
  const agent = await gate.agent(own, { push: ['{agent}/**'], delete: ['{agent}/**'], tags: ['{agent}-*'] })
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-client-'))
  const url = agent.url()
  const wrong = url.replace(agent.token, `${agent.token.slice(0, -4)}AAAA`)
  const more = [folder, url, url.replace('/app.git', '/nowhere.git'), wrong, own]
  const env = { ...process.env, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_GLOBAL: '/dev/null', HOME: folder }
  try {
    const { stdout } = await promisify(execFile)(command, [...args, ...more], { env, timeout: 240_000 })
    return stdout
      .split('\n')
      .filter(line => line.startsWith('{'))
      .map(line => Step.parse(JSON.parse(line)))
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}
