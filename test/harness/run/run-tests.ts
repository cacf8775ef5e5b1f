import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { z } from 'zod'

export interface Count {
  passed: number
  failed: number
  skipped: number
}

/** Runs Vitest with these arguments. Returns true when it exits with 0. */
type Vitest = (args: readonly string[]) => Promise<boolean>

const Test = z.object({ status: z.string(), fullName: z.string(), failureMessages: z.array(z.string()) })

const TestFile = z.object({ name: z.string(), status: z.string(), assertionResults: z.array(Test) })
type TestFile = z.infer<typeof TestFile>

const Report = z.object({ testResults: z.array(TestFile) })

/** More files than a busy machine makes fail: running them again would only take time. */
const MOST_FILES_AGAIN = 12

/**
 * Runs the tests. The files with failures then run again, alone, and their second result counts: a busy machine
 * makes tests miss their timeouts. A test that failed at first only is named, with its error. A file that does
 * not load, and an error outside of any test, count as failures.
 */
export async function runTests(vitest: Vitest, filters: readonly string[]): Promise<Count> {
  try {
    const first = await run(vitest, filters)
    const failed = first.files.filter(hasFailed)
    if (!failed.length || failed.length > MOST_FILES_AGAIN) return count(first.files, first.green)
    console.log(`\nThe files with failures run again, without other tests beside them: ${failed.length}`)
    const again = await run(vitest, [...failed.map(file => file.name), '--maxWorkers=1'])
    nameUnsteady(failed, again.files)
    const others = first.files.filter(file => !hasFailed(file))
    return count([...others, ...again.files], again.green)
  } catch (error) {
    console.error(`the tests left no report: ${error instanceof Error ? error.message : error}`)
    return { passed: 0, failed: 1, skipped: 0 }
  }
}

async function run(vitest: Vitest, args: readonly string[]): Promise<{ files: TestFile[]; green: boolean }> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-test-'))
  const file = path.join(dir, 'report.json')
  try {
    const green = await vitest([
      '--reporter=verbose',
      '--reporter=json',
      `--outputFile.json=${file}`,
      ...args,
    ])
    const { testResults } = Report.parse(JSON.parse(fs.readFileSync(file, 'utf8')))
    return { files: testResults, green }
  } finally {
    fs.rmSync(dir, { recursive: true })
  }
}

const hasFailed = (file: TestFile) =>
  file.status === 'failed' || file.assertionResults.some(({ status }) => status === 'failed')

function count(files: readonly TestFile[], green: boolean): Count {
  const tests = files.flatMap(file => file.assertionResults)
  const passed = tests.filter(({ status }) => status === 'passed').length
  const failedTests = tests.filter(({ status }) => status === 'failed').length
  const unloaded = files.filter(file => file.status === 'failed' && !file.assertionResults.length).length
  const failed = failedTests + unloaded
  return { passed, failed: failed || (green ? 0 : 1), skipped: tests.length - passed - failedTests }
}

/** Prints each test that failed at first and passed alone. */
function nameUnsteady(first: readonly TestFile[], again: readonly TestFile[]): void {
  const passed = new Set(
    again.flatMap(({ name, assertionResults }) =>
      assertionResults.filter(({ status }) => status === 'passed').map(test => `${name} ${test.fullName}`),
    ),
  )
  for (const { name, assertionResults } of first)
    for (const test of assertionResults.filter(({ status }) => status === 'failed'))
      if (passed.has(`${name} ${test.fullName}`))
        console.log(
          `passed when it ran again: ${test.fullName}\n  at first: ${test.failureMessages.join('\n  ')}`,
        )
}
