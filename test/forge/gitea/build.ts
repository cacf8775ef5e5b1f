// Builds the Gitea that test/forge/gitea tests against into .cache/gitea: its program, and the templates and texts
// that it reads. Does nothing when that version is there. It takes Go, a C compiler, and some minutes.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { GITEA_FOLDER, GITEA_PROGRAM, GITEA_STATIC } from './server.ts'

const MODULE = 'code.gitea.io/gitea@v1.25.0'
/** The module's checksum, as in a go.sum. */
const SUM = 'h1:KnOtMEYQU4Axsu73NiyRhb5E7Q05i8AYp0Ke9shVQ1w='
/** Read at run time, since a build without the tag `bindata` does not embed them. */
const READ_AT_RUN_TIME = ['templates', 'options', 'public']

const Downloaded = z.object({ Dir: z.string(), Sum: z.string() })
const stamp = path.join(GITEA_FOLDER, 'module')

function isDone(): boolean {
  return fs.existsSync(GITEA_PROGRAM) && fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === SUM
}

function build(): void {
  const started = performance.now()
  console.log(`building ${MODULE} (some minutes the first time)`)
  // Run outside of the tree, so that go reads no go.mod of another module.
  const downloaded = execFileSync('go', ['mod', 'download', '-json', MODULE], { encoding: 'utf8', cwd: '/' })
  const { Dir: source, Sum: sum } = Downloaded.parse(JSON.parse(downloaded))
  if (sum !== SUM) throw new Error(`${MODULE} has the checksum ${sum}, not ${SUM}`)
  fs.mkdirSync(GITEA_FOLDER, { recursive: true })
  const fresh = `${GITEA_PROGRAM}.${process.pid}`
  execFileSync(
    'go',
    [
      ...['build', '-trimpath', '-tags', 'sqlite sqlite_unlock_notify'],
      ...['-ldflags', `-s -w -X main.Version=${MODULE.split('@v')[1]}`, '-o', fresh, '.'],
    ],
    {
      cwd: source,
      stdio: 'inherit',
      env: { ...process.env, CGO_ENABLED: '1', GOWORK: 'off', GOFLAGS: '-mod=readonly -buildvcs=false' },
    },
  )
  fs.rmSync(GITEA_STATIC, { recursive: true, force: true })
  for (const folder of READ_AT_RUN_TIME)
    fs.cpSync(path.join(source, folder), path.join(GITEA_STATIC, folder), { recursive: true })
  fs.renameSync(fresh, GITEA_PROGRAM)
  fs.writeFileSync(stamp, SUM)
  console.log(`built ${MODULE} in ${Math.round((performance.now() - started) / 1000)} s`)
}

if (!isDone()) build()
