import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openJournal } from '../../container/journal/journal.ts'
import { emptyReport } from '../../container/push/record/push-recorder.ts'
import { upstreamOf } from '../harness/hosts/upstream-of.ts'
import { until } from '../harness/index.ts'

const upstream = upstreamOf({ url: 'ssh://git@example.org/app.git' })
const entry = (id: string, outcome: 'open' | 'refused') => ({
  report: { ...emptyReport(id), outcome, remoteLines: ['x'.repeat(4000)] },
  upstream,
})

test('a journal keeps its size limit: it deletes the oldest ended pushes, and no open push', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'journal-'))
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }))
  const journal = await openJournal(folder, 100_000)
  await journal.write(entry('open', 'open'))
  for (let i = 0; i < 60; i++) await journal.write(entry(`push-${i}`, 'refused'))
  await until(
    () => fs.readdirSync(folder).length < 30 || undefined,
    30_000,
    () => `${fs.readdirSync(folder).length} files`,
  )
  expect(await journal.read('open')).toMatchObject({ report: { outcome: 'open' } })
  expect(await journal.read('push-59')).toMatchObject({ report: { outcome: 'refused' } })
  expect(await journal.read('push-0')).toBeUndefined()
  // Entries of an earlier process count as well.
  const again = await openJournal(folder, 20_000)
  expect(await again.listOpen()).toMatchObject([{ report: { id: 'open' } }])
  expect(fs.readdirSync(folder).length).toBeLessThan(6)
})

test('what a journal says of pushes is for its owner alone, whatever the umask', async () => {
  const folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'journal-')), 'journal')
  onTestFinished(() => fs.rmSync(path.dirname(folder), { recursive: true, force: true }))
  const usual = process.umask(0)
  onTestFinished(() => void process.umask(usual))
  const journal = await openJournal(folder, 100_000)
  for (const outcome of ['open', 'refused'] as const) {
    await journal.write(entry('push', outcome))
    const modes = fs.readdirSync(folder).map(name => fs.statSync(path.join(folder, name)).mode & 0o777)
    expect(modes).toEqual([0o600])
  }
  expect(fs.statSync(folder).mode & 0o777).toBe(0o700)
})
