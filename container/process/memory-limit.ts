/** The environment variable that passes the limit to a process with children of its own (child-client.ts). */
export const MEMORY_LIMIT = 'GATE_GIT_MEMORY_BYTES'

/** Limits the memory of each child that this process starts from now on, in bytes. */
export function limitChildMemory(bytes: number): void {
  process.env[MEMORY_LIMIT] = String(bytes)
}

/** Returns the limit of all children, in bytes, or `minimum` where that is more. */
export const childMemoryOf = (minimum: number): number =>
  Math.max(minimum, Number(process.env[MEMORY_LIMIT] ?? Number.POSITIVE_INFINITY))

/**
 * The shell sets the limits and then replaces itself with the command, so no process is added. RLIMIT_DATA
 * counts allocated memory, and not mapped packs (getrlimit(2)). A lower hard limit stays in force. When
 * memory runs out, the kernel kills a child before the companion (oom_score_adj in proc(5)).
 */
const SCRIPT = '{ ulimit -d "$0"; echo 500 >/proc/self/oom_score_adj; } 2>/dev/null; exec "$@"'

/** The shell's exit code for a command that does not exist. */
export const NO_COMMAND = 127

/**
 * Wraps a command in a memory limit, by default the limit of all children. Without a limit, returns the
 * command unchanged.
 */
export function withinMemory(
  command: string,
  args: readonly string[],
  bytes = Number(process.env[MEMORY_LIMIT] ?? Number.POSITIVE_INFINITY),
): [command: string, args: readonly string[]] {
  if (!Number.isFinite(bytes)) return [command, args]
  return ['sh', ['-c', SCRIPT, String(Math.ceil(bytes / 1024)), command, ...args]]
}

/** True when a program's message reports a failed allocation. */
export const saysOutOfMemory = (words: string): boolean =>
  /out of memory|malloc failed|cannot allocate memory/i.test(words)
