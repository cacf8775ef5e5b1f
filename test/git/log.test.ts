import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { accepted, rejected, startGate } from '../harness/index.ts'

const Line = z.object({
  level: z.enum(['info', 'error']),
  push: z.string().optional(),
  outcome: z.string().optional(),
})

test('every log line about a push has its id, also at a fault of the gate', async () => {
  await using gate = await startGate()
  const ada = await gate.agent('ada', { push: ['ada/**'] })
  const work = await ada.clone()
  await work.commit('Say hello', { 'hello.txt': 'hello\n' })
  expect(await work.push('HEAD:refs/heads/ada/hello')).toMatchObject(accepted)
  expect(await work.push('HEAD:refs/heads/main')).toMatchObject(rejected)
  // The folder of the journal is gone, so no step can be written.
  const journal = path.join(gate.companion.home, 'journal')
  fs.renameSync(journal, `${journal}-away`)
  fs.writeFileSync(journal, '')
  expect(await work.push('HEAD:refs/heads/ada/more')).toMatchObject(rejected)

  const pushes = await gate.ledger.pushes()
  const lines = gate.log.filter(line => line.startsWith('{')).map(line => Line.parse(JSON.parse(line)))
  const of = (id: string) => lines.filter(line => line.push === id)
  const [failed, refused, taken] = pushes.map(({ id }) => of(id))
  expect(taken).toMatchObject([{ level: 'info', outcome: 'accepted' }])
  expect(refused).toMatchObject([{ level: 'info', outcome: 'refused' }])
  expect(failed).toContainEqual(expect.objectContaining({ level: 'info', outcome: 'failed' }))
  expect(failed?.filter(line => line.level === 'error')).not.toEqual([])
  expect(lines.filter(line => !pushes.some(push => push.id === line.push))).toEqual([])
})
