import type { ChildProcess } from 'node:child_process'
import { execFileSync } from 'node:child_process'
import { basename, dirname, join } from 'node:path'
import type { Duplex, Readable, Writable } from 'node:stream'
import { formatBytes } from '../../src/contract/text/format-bytes.ts'
import { spawnGroup } from '../process/spawn.ts'
import type { Git } from './git.ts'

/** A request to `git http-backend` on a mirror (git-http-backend(1)). */
export interface BackendRequest {
  readonly method: 'GET' | 'POST'
  readonly path: 'info/refs' | 'git-upload-pack' | 'git-receive-pack'
  readonly service: 'git-upload-pack' | 'git-receive-pack'
  readonly agent: string
  readonly protocol: string | undefined
}

export interface Backend {
  readonly child: ChildProcess
  readonly stdin: Writable
  readonly stdout: Readable
  /** The socket to pre-receive, its file descriptor 3. */
  readonly hook: Duplex
  readonly ended: Promise<{ code: number | null; stderr: string }>
}

/**
 * The limit of a fetch request, in bytes. http-backend holds the whole request, and upload-pack allocates
 * memory for each want and have. This is enough for 600,000 of them.
 */
export const MAX_REQUEST_BYTES = 32 << 20

/** The message for a longer request. */
export const TOO_MANY_NAMES = `the request names more than ${formatBytes(MAX_REQUEST_BYTES)} of what it wants and has; fetch fewer refs at once`

const execPath = execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim()

/**
 * Starts http-backend in its own process group, which is killed when `signal` aborts. CONTENT_LENGTH is never
 * set: with it, http-backend loops forever on an early end of input (git/git#2360).
 */
export function spawnHttpBackend(git: Git, request: BackendRequest, signal: AbortSignal): Backend {
  const { GIT_DIR: _, ...env } = git.env
  const child = spawnGroup(join(execPath, 'git-http-backend'), [], {
    cwd: git.dir,
    signal,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    env: {
      ...env,
      GATEWAY_INTERFACE: 'CGI/1.1',
      SERVER_PROTOCOL: 'HTTP/1.1',
      REQUEST_METHOD: request.method,
      GIT_PROJECT_ROOT: dirname(git.dir),
      PATH_INFO: `/${basename(git.dir)}/${request.path}`,
      QUERY_STRING: request.method === 'GET' ? `service=${request.service}` : '',
      CONTENT_TYPE: request.method === 'POST' ? `application/x-${request.service}-request` : '',
      REMOTE_USER: request.agent,
      REMOTE_ADDR: '127.0.0.1',
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_HTTP_MAX_REQUEST_BUFFER: String(MAX_REQUEST_BYTES),
      ...(request.protocol ? { GIT_PROTOCOL: request.protocol } : {}),
    },
  })
  const [stdin, stdout, stderr, hook] = child.stdio
  if (!stdin || !stdout || !stderr || !hook) throw new Error('git http-backend could not be started')
  // Git may exit before it has read its whole stdin. Its exit code reports the failure, so the pipe's error
  // is ignored.
  stdin.on('error', () => {})
  hook.on('error', () => {})
  // Node emits 'close' only after all streams have ended, so the socket is read even without a listener.
  ;(hook as Duplex).resume()
  let stderrText = ''
  stderr.on('data', (chunk: Buffer) => {
    stderrText = (stderrText + chunk.toString('utf8')).slice(-4096)
  })
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve({ code, stderr: stderrText }))
  })
  return { child, stdin, stdout, hook: hook as Duplex, ended }
}

/**
 * The head of a CGI response. http-backend writes `Status:` only when it is not 200, and not always first.
 */
export interface CgiHead {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
}

/**
 * Parses the head of a CGI response. The returned function takes chunks, and returns the head with the first
 * bytes of the body once the head is complete.
 */
export function createCgiHeaderParser(): (chunk: Buffer) => { head: CgiHead; body: Buffer } | undefined {
  let seen: Buffer = Buffer.alloc(0)
  return chunk => {
    seen = Buffer.concat([seen, chunk])
    const index = seen.indexOf('\r\n\r\n')
    if (index < 0) return undefined
    const headers = new Map<string, string>()
    for (const line of seen.toString('latin1', 0, index).split('\r\n')) {
      const colon = line.indexOf(':')
      headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
    }
    const status = Number.parseInt(headers.get('status') ?? '200', 10)
    headers.delete('status')
    return { head: { status, headers }, body: seen.subarray(index + 4) }
  }
}
