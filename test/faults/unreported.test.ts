import { expect, test } from 'vitest'
import { Entry, type Journal } from '../../container/journal/journal.ts'
import { trackUnreported } from '../../container/journal/unreported.ts'
import { emptyReport } from '../../container/push/record/push-recorder.ts'
import { seconds } from '../harness/index.ts'

const ID = 'p1'
const PATIENCE = seconds(20)

/** A journal whose entries can be read as soon as their write begins, as in the real journal. */
function slowJournal() {
  const kept = new Map<string, Entry>()
  const { promise: disk, resolve: written, reject: full } = Promise.withResolvers<void>()
  const journal: Journal = {
    async write(entry) {
      kept.set(entry.report.id, entry)
      await disk
    },
    read: async id => kept.get(id),
    listOpen: async () => [],
  }
  return { journal: trackUnreported(journal), written, full }
}

const word = (outcome: Entry['report']['outcome']) =>
  Entry.parse({
    report: { ...emptyReport(ID), outcome },
    upstream: {
      name: 'app',
      url: 'ssh://git@127.0.0.1/app.git',
      identity: 'deploy',
      knownHosts: '',
      credential: null,
      ca: '',
      proxy: '',
      staleReads: false,
    },
  })

test('a stopping companion does not wait for an outcome that was fetched while it was being written', async () => {
  const { journal, written } = slowJournal()
  const writing = journal.write(word('accepted'))
  expect((await journal.read(ID))?.report.outcome).toBe('accepted')
  written()
  await writing
  const startedAt = performance.now()
  await journal.allReported(PATIENCE)
  expect(performance.now() - startedAt).toBeLessThan(PATIENCE / 2)
})

test('a stopping companion waits until an outcome that could not be written is fetched', async () => {
  const { journal, full } = slowJournal()
  const writing = journal.write(word('accepted'))
  full(new Error('ENOSPC'))
  await expect(writing).rejects.toThrow('ENOSPC')
  let told = false
  const allTold = journal.allReported(PATIENCE).then(() => {
    told = true
  })
  await new Promise(setImmediate)
  expect(told).toBe(false)
  await journal.read(ID)
  await allTold
})
