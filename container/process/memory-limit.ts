/** The variable that carries the bound to a process that starts children itself (child-client.ts). */
export const MEMORY_LIMIT = 'GATE_GIT_MEMORY_BYTES'

/** Bounds the memory of each child that this process starts from now on. */
export function limitChildMemory(bytes: number): void {
  process.env[MEMORY_LIMIT] = String(bytes)
}

/**
 * The shell sets the limits and becomes the command, so that no process is added. RLIMIT_DATA counts what a process
 * allocates, and not the packs that it maps (getrlimit(2)). A hard limit that is lower stays. Out of memory, the kernel
 * ends a child before the companion (oom_score_adj in proc(5)).
 */
const SCRIPT = '{ ulimit -d "$0"; echo 500 >/proc/self/oom_score_adj; } 2>/dev/null; exec "$@"'

/** The code with which the shell says that there is no such command. */
export const NO_COMMAND = 127

/** A command and its arguments within this bound, or within the bound of all children; where there is none, as they are. */
export function withinMemory(
  command: string,
  args: readonly string[],
  bytes = Number(process.env[MEMORY_LIMIT] ?? Number.POSITIVE_INFINITY),
): [command: string, args: readonly string[]] {
  if (!Number.isFinite(bytes)) return [command, args]
  return ['sh', ['-c', SCRIPT, String(Math.ceil(bytes / 1024)), command, ...args]]
}

/** Is that how a program says that it was given no more memory? */
export const saysOutOfMemory = (words: string): boolean =>
  /out of memory|malloc failed|cannot allocate memory/i.test(words)
