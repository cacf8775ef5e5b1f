// npm test: format, lint, types, then every test. npm run check (--quick): the same, with only the tests that
// start no server. The last line counts checks and tests together.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { z } from 'zod'

const root = path.dirname(import.meta.dirname)
const script = (name: string) => path.join(root, 'node_modules', name)

/** Runs a program from node_modules with its output in view. Returns true when it exits with 0. */
async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(process.execPath, [script(program), ...args], { cwd: root, stdio: 'inherit' })
  const [code] = await once(child, 'close')
  return code === 0
}

/** Generates `Env` from wrangler.toml. The runtime's types come from @cloudflare/workers-types. */
async function generateTypes(): Promise<boolean> {
  const file = path.join(root, 'src/worker-configuration.d.ts')
  const age = (name: string) => fs.statSync(name, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const sources = ['wrangler.toml', 'package-lock.json'].map(name => age(path.join(root, name)))
  if (age(file) > Math.max(...sources)) return true
  return succeeds('wrangler/bin/wrangler.js', ['types', '--include-runtime=false', file])
}

/** Ctrl-C ends the program that runs, which cleans up. This process ends after it, without its folder. */
let interrupted = false
process.on('SIGINT', () => {
  interrupted = true
})

const Test = z.object({ status: z.string(), fullName: z.string(), failureMessages: z.array(z.string()) })

const Report = z.object({
  success: z.boolean(),
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(Test) })),
})

interface Count {
  passed: number
  failed: number
  skipped: number
}

/**
 * Runs Vitest and returns its counts. A file that does not load, and an error outside of any test, count as
 * failures.
 */
async function runTests(filters: readonly string[]): Promise<Count> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-test-'))
  const file = path.join(dir, 'report.json')
  try {
    const reporters = ['--reporter=verbose', '--reporter=json', `--outputFile.json=${file}`]
    const green = await succeeds('vitest/vitest.mjs', ['run', ...reporters, ...filters])
    const report = Report.parse(JSON.parse(fs.readFileSync(file, 'utf8')))
    const unloaded = report.testResults.filter(f => f.status === 'failed' && f.assertionResults.length === 0)
    const failed = report.numFailedTests + unloaded.length
    for (const { status, fullName, failureMessages } of report.testResults.flatMap(f => f.assertionResults))
      if (status === 'passed' && failureMessages.length)
        console.log(`passed when it ran again: ${fullName}\n  at first: ${failureMessages.join('\n  ')}`)
    return {
      passed: report.numPassedTests,
      failed: failed || (green && report.success ? 0 : 1),
      skipped: report.numPendingTests + report.numTodoTests,
    }
  } catch (error) {
    console.error(`the tests left no report: ${error instanceof Error ? error.message : error}`)
    return { passed: 0, failed: 1, skipped: 0 }
  } finally {
    fs.rmSync(dir, { recursive: true })
  }
}

const checks: readonly (readonly [string, () => Promise<boolean>])[] = [
  [
    'format, lint and the direction of imports',
    () => succeeds('@biomejs/biome/bin/biome', ['check', '--error-on-warnings']),
  ],
  ["the Worker's types", generateTypes],
  ['types of the Worker', () => succeeds('typescript/bin/tsc', ['-p', 'src/tsconfig.json'])],
  [
    "types of the console's scripts",
    () => succeeds('typescript/bin/tsc', ['-p', 'src/console/browser/tsconfig.json']),
  ],
  ['types of the rest', () => succeeds('typescript/bin/tsc', ['-p', 'tsconfig.json'])],
]

const total: Count = { passed: 0, failed: 0, skipped: 0 }
for (const [name, check] of checks) {
  const passed = await check()
  if (interrupted) process.exit(130)
  console.log(`${passed ? ' ✓' : ' ×'} ${name}`)
  total[passed ? 'passed' : 'failed'] += 1
}
const given = process.argv.slice(2)
const filters = given.map(each => (each === '--quick' ? '.unit.test.ts' : each))
const tests = await runTests(filters)
const [passed, failed] = [total.passed + tests.passed, total.failed + tests.failed]
console.log(`${passed} passed, ${failed} failed${tests.skipped ? `, ${tests.skipped} skipped` : ''}`)
process.exitCode = failed ? 1 : 0
