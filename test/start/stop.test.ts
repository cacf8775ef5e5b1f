import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { seconds, until } from '../harness/index.ts'
import { COMPANION, launch, processesOf, start, stateFolder } from './launcher.ts'

const nothingLeft = (home: string) =>
  until(
    () => (processesOf(home).length === 0 ? true : undefined),
    seconds(10),
    () => `still there: ${processesOf(home).join('; ')}`,
  )

test('two signals, as Ctrl-C under npm sends them, stop the gate once and in order', async () => {
  using home = stateFolder()
  const gate = await start(path.join(home.dir, 'state'))
  expect(await gate.end('SIGINT', 'SIGINT', 'SIGTERM')).toMatchObject({ code: 0 })
  expect(processesOf(home.dir)).toEqual([])
})

test('Ctrl-C in a terminal reaches every process of the group, and the gate stops in order', async () => {
  using home = stateFolder()
  const gate = await start(path.join(home.dir, 'state'), [], { detached: true })
  process.kill(-(gate.child.pid ?? Number.NaN), 'SIGINT')
  const { code, stderr } = await gate.end()
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(processesOf(home.dir)).toEqual([])
})

/** Successive moments of a start, by files on the disk or processes. */
const moments: [string, (state: string) => boolean][] = [
  ['its state folder is made', state => fs.existsSync(path.join(state, 'keys.json'))],
  ['the companion starts', state => processesOf(state).some(line => line.includes(COMPANION))],
  ['workerd starts', state => processesOf(state).some(line => line.includes('workerd serve'))],
]
test.each(moments)('a signal as %s ends the start and leaves no process', async (_, hasCome) => {
  using home = stateFolder()
  const state = path.join(home.dir, 'state')
  const gate = launch(state)
  await until(() => hasCome(state) || undefined, seconds(60), gate.stderr)
  gate.child.kill('SIGTERM')
  expect(await gate.ended).toMatchObject({ code: 0 })
  expect(processesOf(home.dir)).toEqual([])
})

test('a first start that a signal ended as it made the demo is completed by the next', async () => {
  using home = stateFolder()
  const state = path.join(home.dir, 'state')
  const first = launch(state)
  await until(() => fs.existsSync(path.join(state, 'demo')) || undefined, seconds(60), first.stderr)
  first.child.kill('SIGTERM')
  expect(await first.ended).toMatchObject({ code: 0 })
  expect(processesOf(home.dir)).toEqual([])
  const second = await start(state)
  expect(second.lines.clone).toMatch(/\/demo\.git$/)
  expect(await second.end('SIGTERM')).toMatchObject({ code: 0 })
})

test('workerd and the companion end with a launcher that is killed', async () => {
  using home = stateFolder()
  const gate = await start(path.join(home.dir, 'state'))
  await gate.end('SIGKILL')
  await nothingLeft(home.dir)
  const again = await start(path.join(home.dir, 'state'))
  expect(await again.end('SIGTERM')).toMatchObject({ code: 0 })
})
