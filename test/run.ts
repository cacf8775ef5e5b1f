// npm test: format, lint, types, then every test. npm run check (--quick): the same, with only the tests that
// start no server. The last line counts checks and tests together.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { type Count, runTests } from './harness/run/run-tests.ts'

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
const tests = await runTests(args => succeeds('vitest/vitest.mjs', ['run', ...args]), filters)
const [passed, failed] = [total.passed + tests.passed, total.failed + tests.failed]
console.log(`${passed} passed, ${failed} failed${tests.skipped ? `, ${tests.skipped} skipped` : ''}`)
process.exitCode = failed ? 1 : 0
