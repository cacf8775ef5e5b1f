import fs from 'node:fs'
import path from 'node:path'

export interface Bundle {
  readonly code: string
  /** The files that it was built from. */
  readonly inputs: readonly string[]
}

/** The first line of a cache is a comment, so that Node can import the file. */
const COMMENT = '// '

/** Changes with a file's content, and when another file takes its place. */
function stateOf(file: string): string {
  const { size, mtimeMs, ctimeMs, ino } = fs.statSync(file)
  return `${size} ${mtimeMs} ${ctimeMs} ${ino}`
}

/** Returns the code in `cache`, unless a file that it was built from has changed or is missing. */
export function readBundle(cache: string): string | undefined {
  if (!isCurrent(cache)) return undefined
  const text = fs.readFileSync(cache, 'utf8')
  return text.slice(text.indexOf('\n') + 1)
}

/** Returns whether `cache` has a bundle whose files are all unchanged. */
export function isCurrent(cache: string): boolean {
  try {
    const states: Record<string, string> = JSON.parse(firstLine(cache).slice(COMMENT.length))
    const folder = path.dirname(cache)
    return Object.entries(states).every(([file, state]) => stateOf(path.join(folder, file)) === state)
  } catch {
    return false
  }
}

function firstLine(file: string): string {
  const opened = fs.openSync(file, 'r')
  try {
    const head = Buffer.alloc(1 << 18)
    const line = head.subarray(0, fs.readSync(opened, head))
    return line.subarray(0, line.indexOf('\n')).toString()
  } finally {
    fs.closeSync(opened)
  }
}

/**
 * Writes a bundle to `cache`. A file that has changed since the build began, or a folder that cannot be written,
 * leaves the cache as it was. Paths are relative to the cache, since a copy of the tree brings its cache along.
 */
export function writeBundle(cache: string, { code, inputs }: Bundle, began: number): void {
  const fresh = `${cache}.${process.pid}`
  try {
    if (inputs.some(file => fs.statSync(file).ctimeMs >= began)) return
    const folder = path.dirname(cache)
    const states = Object.fromEntries(inputs.map(file => [path.relative(folder, file), stateOf(file)]))
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
    fs.writeFileSync(fresh, `${COMMENT}${JSON.stringify(states)}\n${code}`, { mode: 0o600 })
    fs.renameSync(fresh, cache)
  } catch {
    // Each start builds the bundle then, as on the read-only disk of an image.
    if (fs.existsSync(fresh)) fs.rmSync(fresh)
  }
}
