import fs from 'node:fs'
import { expect, test, vi } from 'vitest'
import { runTests } from './run/run-tests.ts'

type Statuses = Readonly<Record<string, readonly string[]>>

/** Stands for Vitest: each call writes the next report. A report has files, with their tests' statuses. */
function vitest(...reports: readonly { files: Statuses; green: boolean }[]) {
  const calls: string[][] = []
  const run = async (args: readonly string[]) => {
    const { files, green } = reports[calls.length] ?? { files: {}, green: false }
    calls.push(args.filter(arg => !arg.startsWith('--')))
    const testResults = Object.entries(files).map(([name, statuses]) => ({
      name,
      status: statuses.length && !statuses.includes('failed') ? 'passed' : 'failed',
      assertionResults: statuses.map((status, i) => ({
        status,
        fullName: `${name} ${i}`,
        failureMessages: status === 'failed' ? ['too slow'] : [],
      })),
    }))
    const file = args.find(arg => arg.startsWith('--outputFile'))?.split('=')[1] ?? ''
    fs.writeFileSync(file, JSON.stringify({ testResults }))
    return green
  }
  return { run, calls }
}

test('a test that passes when its file runs again alone has passed, and is named with its first error', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  const { run, calls } = vitest(
    { files: { a: ['passed', 'failed'], b: ['passed', 'pending'] }, green: false },
    { files: { a: ['passed', 'passed'] }, green: true },
  )
  expect(await runTests(run, ['some'])).toEqual({ passed: 3, failed: 0, skipped: 1 })
  expect(calls).toEqual([['some'], ['a']])
  expect(log.mock.calls.join('\n')).toContain('passed when it ran again: a 1\n  at first: too slow')
  log.mockRestore()
})

test.each([
  [
    'fails twice',
    [
      { files: { a: ['failed'] }, green: false },
      { files: { a: ['failed'] }, green: false },
    ],
  ],
  [
    'does not load',
    [
      { files: { a: [] }, green: false },
      { files: { a: [] }, green: false },
    ],
  ],
  ['has an error outside of its tests', [{ files: { a: ['passed'] }, green: false }]],
  [
    'has that error when it runs again',
    [
      { files: { a: ['failed'] }, green: false },
      { files: { a: ['passed'] }, green: false },
    ],
  ],
])('a file that %s is a failure', async (_, reports) => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  expect(await runTests(vitest(...reports).run, [])).toMatchObject({ failed: 1 })
  log.mockRestore()
})

test('many files with failures do not run again', async () => {
  const files = Object.fromEntries(Array.from({ length: 13 }, (_, i) => [`file ${i}`, ['failed']]))
  const { run, calls } = vitest({ files, green: false })
  expect(await runTests(run, [])).toEqual({ passed: 0, failed: 13, skipped: 0 })
  expect(calls).toHaveLength(1)
})
