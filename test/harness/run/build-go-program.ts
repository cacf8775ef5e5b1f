import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { z } from 'zod'

/** A program in Go that tests use, built from its pinned module. */
export interface GoProgram {
  /** The module with its version. */
  readonly module: string
  /** The module's checksum, as in a go.sum. */
  readonly sum: string
  /** The package below the module's folder. */
  readonly package: string
  /** The path of the built program. A file `module` beside it has the checksum of its source. */
  readonly program: string
  /** Options of `go build`. */
  readonly options?: readonly string[]
  /** True for a program that needs a C compiler. */
  readonly cgo?: boolean
  /** Takes further files from the module's folder. */
  readonly also?: (source: string) => void
}

const Downloaded = z.object({ Dir: z.string(), Sum: z.string() })

/** Builds a program, unless it is there in this version. It takes Go, and some minutes the first time. */
export function buildGoProgram({
  module,
  sum,
  package: built,
  program,
  options = [],
  cgo = false,
  also,
}: GoProgram): void {
  const stamp = path.join(path.dirname(program), 'module')
  if (fs.existsSync(program) && fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === sum) return
  console.log(`building ${module} (some minutes the first time)`)
  // Run outside of the tree, so that go reads no go.mod of another module.
  const downloaded = execFileSync('go', ['mod', 'download', '-json', module], { encoding: 'utf8', cwd: '/' })
  const { Dir: source, Sum: found } = Downloaded.parse(JSON.parse(downloaded))
  if (found !== sum) throw new Error(`${module} has the checksum ${found}, not ${sum}`)
  fs.mkdirSync(path.dirname(program), { recursive: true })
  const fresh = `${program}.${process.pid}`
  execFileSync('go', ['build', '-trimpath', '-ldflags', '-s -w', ...options, '-o', fresh, built], {
    cwd: source,
    stdio: 'inherit',
    env: {
      ...process.env,
      CGO_ENABLED: cgo ? '1' : '0',
      GOWORK: 'off',
      GOFLAGS: '-mod=readonly -buildvcs=false',
    },
  })
  also?.(source)
  fs.renameSync(fresh, program)
  fs.writeFileSync(stamp, sum)
}
