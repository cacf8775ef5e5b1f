import { expect, test } from 'vitest'
import { type Decisions, nextBatch, type WaitingObject } from '../../container/lfs/scan-queue.ts'
import { sha256 } from './client.ts'

const repository = { name: 'demo' } as Decisions['repository']
const decisions = (gitleaksConfig = ''): Decisions => ({ repository, exceptions: [], gitleaksConfig })

/** Objects of these sizes, in kB. */
const waitingOf = (...sizes: readonly number[]): WaitingObject[] =>
  sizes.map((size, at) => ({ oid: sha256(`object ${at}`), size: size * 1000, decisions: decisions() }))

const batchesOf = (waiting: WaitingObject[]): number[][] => {
  const batches: number[][] = []
  for (let some = nextBatch(waiting); some.length > 0; some = nextBatch(waiting))
    batches.push(some.map(({ size }) => size / 1000))
  return batches
}

test('small objects share scans that need no process of their own', () => {
  expect(batchesOf(waitingOf(200, 200, 200, 200, 200, 200, 900))).toEqual([
    [200, 200, 200, 200, 200],
    [200],
    [900],
  ])
})

test('large objects share the process of a scan, within its bound', () => {
  expect(batchesOf(waitingOf(20_000, 20_000, 1, 20_000, 20_000))).toEqual([
    [20_000, 20_000, 1, 20_000],
    [20_000],
  ])
  expect(batchesOf(waitingOf(90_000, 1))).toEqual([[90_000], [1]])
})

test('objects that are judged by other decisions are scanned apart', () => {
  const [first, second] = waitingOf(1, 1) as [WaitingObject, WaitingObject]
  const other = { ...second, decisions: decisions('title = "other"') }
  expect(batchesOf([first, other])).toEqual([[1], [1]])
})
