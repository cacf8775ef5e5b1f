import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'

/**
 * The result of a test script of git's, by its TAP lines. TAP has `not ok … # TODO` count as passed: git's
 * `test_expect_failure` prints it for a known breakage of git itself.
 */
export interface ScriptResult {
  readonly passed: number
  readonly skipped: number
  /** The names of the failed tests, without known breakages. */
  readonly failed: readonly string[]
  /** Why the script did not run to its end. */
  readonly ended: string
}

const SCRIPT_MS = 30 * 60_000

/**
 * Writes the wrappers that git's tests start: an Apache that runs as nobody where the tests run as root, and `id`, by
 * which the tests refuse to start a server as root. Returns the environment of a script. Without `execPath` Apache runs
 * git's own git-http-backend.
 */
export function wrappers(folder: string, execPath: string | undefined): Record<string, string> {
  const isRoot = process.getuid?.() === 0
  const bin = path.join(folder, execPath ? 'bin' : 'bin-plain')
  fs.mkdirSync(bin, { recursive: true })
  const httpd = path.join(bin, 'httpd')
  const asNobody = `for last; do [ "$before" = -d ] && chown nobody "$last"; before=$last; done
exec setpriv --reuid=nobody --regid=nogroup --clear-groups /usr/sbin/apache2 "$@"`
  fs.writeFileSync(
    httpd,
    `#!/bin/sh
${execPath ? `GIT_EXEC_PATH='${execPath}'; export GIT_EXEC_PATH` : ''}
${isRoot ? asNobody : 'exec /usr/sbin/apache2 "$@"'}
`,
    { mode: 0o755 },
  )
  if (isRoot)
    fs.writeFileSync(
      path.join(bin, 'id'),
      '#!/bin/sh\n[ "$*" = -u ] && echo 1000 && exit\nexec /usr/bin/id "$@"\n',
      { mode: 0o755 },
    )
  return {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: folder,
    LANG: 'C.UTF-8',
    GIT_TEST_HTTPD: '1',
    LIB_HTTPD_PATH: httpd,
  }
}

/** Runs a script of a built git source tree, such as `t5541-http-push-smart.sh`. */
export async function runScript(
  source: string,
  script: string,
  env: Readonly<Record<string, string>>,
  log: string,
): Promise<ScriptResult> {
  const out = fs.openSync(log, 'w')
  const child = spawn('sh', [script, '--verbose-log'], {
    cwd: path.join(source, 't'),
    env,
    stdio: ['ignore', out, out],
    timeout: SCRIPT_MS,
    killSignal: 'SIGKILL',
  })
  const [code, signal] = await once(child, 'exit')
  fs.closeSync(out)
  const lines = fs.readFileSync(log, 'utf8').split('\n')
  const count = (pattern: RegExp) => lines.filter(line => pattern.test(line)).length
  const plan = lines.find(line => /^1\.\.\d+/.test(line))
  return {
    passed: count(/^ok \d+ - (?!.*# skip)/) + count(/^not ok \d+ - .*# TODO known breakage/),
    skipped: count(/^ok \d+ # skip/),
    failed: lines.flatMap(line =>
      line.includes('# TODO known breakage') ? [] : (/^not ok \d+ - (.*)$/.exec(line)?.[1] ?? []),
    ),
    ended: plan ? plan.replace(/^1\.\.\d+ ?/, '') : `it ended with ${signal ?? code} before its last test`,
  }
}
