// Runs git's own tests of HTTP through a gate: node test/git-suite/run.ts [--plain] SOURCE [SCRIPT…]
// SOURCE is a built source tree of git (make). It needs Apache (Debian: apache2-bin). With --plain Apache runs git's
// own git-http-backend, for comparison.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { projectRoot } from '../../local/worker/bundle.ts'
import { doesNotApply } from './does-not-apply.ts'
import { runScript, wrappers } from './run-script.ts'
import { startShim } from './shim.ts'

const SCRIPTS = ['t5510', 't5539', 't5541', 't5545', 't5548', 't5551', 't5601', 't5616', 't5700', 't5702']

const args = process.argv.slice(2)
const isPlain = args.includes('--plain')
const [source = '', ...wanted] = args.filter(arg => arg !== '--plain')
const tests = path.join(source, 't')
if (!fs.existsSync(path.join(tests, 'helper/test-tool')))
  throw new Error('name a built source tree of git: node test/git-suite/run.ts SOURCE [SCRIPT…]')

await using all = new AsyncDisposableStack()
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-git-suite-'))
fs.chmodSync(folder, 0o755)
const logs = path.join(folder, 'logs')
fs.mkdirSync(logs)
const gateLog = fs.createWriteStream(path.join(logs, 'gate.log'))
const gitleaks = process.env.GATE_GITLEAKS ?? path.join(projectRoot, '.cache/gitleaks/gitleaks')
const shim = isPlain
  ? undefined
  : all.use(await startShim(folder, gitleaks, line => void gateLog.write(`${line}\n`)))
const env = wrappers(folder, shim?.execPath)
console.log(`logs: ${logs}`)
let applying = 0
for (const number of wanted.length ? wanted : SCRIPTS) {
  const script = fs.readdirSync(tests).find(name => name.startsWith(`${number}-`) && name.endsWith('.sh'))
  if (!script) {
    console.log(`${number}: not in this version`)
    continue
  }
  const result = await runScript(source, script, env, path.join(logs, `${number}.log`))
  console.log(
    `${script}: ${result.passed} passed, ${result.failed.length} failed, ${result.skipped} skipped ${result.ended}`,
  )
  for (const name of result.failed) {
    const why = doesNotApply(number, name)
    if (!why) applying += 1
    console.log(`  ${why ? 'does not apply' : 'FAILED'}: ${name}${why ? `: ${why}` : ''}`)
  }
}
gateLog.end()
process.exitCode = applying > 0 && !isPlain ? 1 : 0
