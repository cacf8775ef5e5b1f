// Builds GitHub's own client, gh, that test/forge/gh tests against into .cache/gh. Does nothing when that version is
// there. It takes Go, and some minutes the first time.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { GH_PROGRAM } from './program.ts'

const MODULE = 'github.com/cli/cli/v2@v2.83.0'
/** The module's checksum, as in a go.sum. */
const SUM = 'h1:DIh4WStSDm15OT43vImvKp21v9JAg8pBbdVoisknTKo='

const Downloaded = z.object({ Dir: z.string(), Sum: z.string() })
const stamp = path.join(path.dirname(GH_PROGRAM), 'module')

function isDone(): boolean {
  return fs.existsSync(GH_PROGRAM) && fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === SUM
}

function build(): void {
  console.log(`building ${MODULE} (some minutes the first time)`)
  // Run outside of the tree, so that go reads no go.mod of another module.
  const downloaded = execFileSync('go', ['mod', 'download', '-json', MODULE], { encoding: 'utf8', cwd: '/' })
  const { Dir: source, Sum: sum } = Downloaded.parse(JSON.parse(downloaded))
  if (sum !== SUM) throw new Error(`${MODULE} has the checksum ${sum}, not ${SUM}`)
  fs.mkdirSync(path.dirname(GH_PROGRAM), { recursive: true })
  const fresh = `${GH_PROGRAM}.${process.pid}`
  execFileSync('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', fresh, './cmd/gh'], {
    cwd: source,
    stdio: 'inherit',
    env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '-mod=readonly -buildvcs=false' },
  })
  fs.renameSync(fresh, GH_PROGRAM)
  fs.writeFileSync(stamp, SUM)
}

if (!isDone()) build()
