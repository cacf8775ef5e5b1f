import type { Readable } from 'node:stream'
import type { Git } from '../../git/git.ts'
import { saysOutOfMemory } from '../../process/memory-limit.ts'

/** The longest field in bytes. A path has at most 4,096 bytes on any disk. */
const MAX_FIELD = 1 << 20

/**
 * Runs git and passes each field of its stdout, ended by the byte `end`, to `each`. Throws unless git exits
 * with 0.
 */
export async function forEachField(
  git: Git,
  args: readonly string[],
  options: {
    signal: AbortSignal
    end: number
    input?: string
    env?: Readonly<Record<string, string>>
    /** The memory limit of git, in bytes. */
    memoryBytes?: number
    /** Makes the error for a git that runs out of memory, or out of stack on nested folders. */
    tooMuch?: () => Error
  },
  each: (field: Buffer) => void,
): Promise<void> {
  const { signal, end, input, env, memoryBytes, tooMuch } = options
  signal.throwIfAborted()
  const stop = new AbortController()
  const child = git.spawn(args, {
    signal: AbortSignal.any([signal, stop.signal]),
    memoryBytes,
    ...(env ? { env } : {}),
  })
  const { stdin, stdout, stderr } = child
  if (!stdin || !stdout || !stderr) throw new Error('git has no pipes')
  let stderrText = ''
  stderr.on('data', (chunk: Buffer) => {
    if (stderrText.length < 4000) stderrText += chunk.toString('utf8')
  })
  stdin.on('error', () => {})
  stdin.end(input ?? '')
  const ended = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, killedBy) => resolve(killedBy ?? code))
  })
  ended.catch(() => {})
  try {
    const rest = await splitFields(stdout, end, each)
    if (rest.length > MAX_FIELD) throw new Error(`git ${args[0]} prints a field without an end`)
    if (rest.length > 0) throw new Error(`git ${args[0]} ended early`)
  } catch (error) {
    stop.abort()
    // Node emits 'close' only after all of the child's stdout is read or destroyed.
    stdout.destroy()
    await ended.catch(() => {})
    signal.throwIfAborted()
    throw error
  }
  const code = await ended
  signal.throwIfAborted()
  if (code !== 0 && tooMuch && (saysOutOfMemory(stderrText) || isTooDeep(code, stderrText))) throw tooMuch()
  if (code !== 0) throw new Error(`git ${args[0]} ended with ${code}: ${stderrText.trim()}`)
}

/** Passes each field to `each`. Returns the bytes after the last one: at the end, or once they exceed MAX_FIELD. */
async function splitFields(stdout: Readable, end: number, each: (field: Buffer) => void): Promise<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of stdout as AsyncIterable<Buffer>) {
    const text = rest.length ? Buffer.concat([rest, chunk]) : chunk
    let from = 0
    for (let index = text.indexOf(end); index >= 0; index = text.indexOf(end, from)) {
      each(text.subarray(from, index))
      from = index + 1
    }
    rest = text.subarray(from)
    if (rest.length > MAX_FIELD) break
  }
  return rest
}

/**
 * Git recurses into nested folders: at some ten thousands of levels its stack overflows (SIGSEGV). From 2.43
 * on it stops before that (core.maxTreeDepth in git-config(1)).
 */
const isTooDeep = (code: number | NodeJS.Signals | null, stderrText: string) =>
  code === 'SIGSEGV' || /exceeded maximum allowed tree depth/.test(stderrText)
