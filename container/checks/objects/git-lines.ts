import type { Git } from '../../git/git.ts'

/** The longest field that is read, in bytes: a path has at most 4,096 on any disk. */
const MAX_FIELD = 1 << 20

/** Runs git and hands on what it prints, field by field; anything but a clean end throws. */
export async function lines(
  git: Git,
  args: readonly string[],
  options: {
    signal: AbortSignal
    end: number
    input?: string
    env?: Readonly<Record<string, string>>
    /** A bound on git's memory, and what it is to be refused with when it wants more. */
    maxDataKiB?: number
    outOfMemory?: () => Error
  },
  each: (field: Buffer) => void,
): Promise<void> {
  const { signal, end, input, env, maxDataKiB, outOfMemory } = options
  signal.throwIfAborted()
  const stop = new AbortController()
  const child = git.start(args, {
    signal: AbortSignal.any([signal, stop.signal]),
    maxDataKiB,
    ...(env ? { env } : {}),
  })
  const { stdin, stdout, stderr } = child
  if (!stdin || !stdout || !stderr) throw new Error('git has no pipes')
  let said = ''
  stderr.on('data', (chunk: Buffer) => {
    if (said.length < 4000) said += chunk.toString('utf8')
  })
  stdin.on('error', () => {})
  stdin.end(input ?? '')
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  ended.catch(() => {})
  try {
    let rest: Buffer = Buffer.alloc(0)
    for await (const chunk of stdout as AsyncIterable<Buffer>) {
      const text = rest.length ? Buffer.concat([rest, chunk]) : chunk
      let from = 0
      for (let at = text.indexOf(end); at >= 0; at = text.indexOf(end, from)) {
        each(text.subarray(from, at))
        from = at + 1
      }
      rest = text.subarray(from)
      if (rest.length > MAX_FIELD) throw new Error(`git ${args[0]} prints a field without an end`)
    }
    if (rest.length > 0) throw new Error(`git ${args[0]} ended early`)
  } catch (error) {
    stop.abort()
    // A child counts as closed when nobody holds what it has printed.
    stdout.destroy()
    await ended.catch(() => {})
    signal.throwIfAborted()
    throw error
  }
  const code = await ended
  signal.throwIfAborted()
  if (code !== 0 && outOfMemory && /out of memory|malloc|cannot allocate/i.test(said)) throw outOfMemory()
  if (code !== 0) throw new Error(`git ${args[0]} ended with ${code}: ${said.trim()}`)
}
