import fs from 'node:fs'
import path from 'node:path'

export interface Bundle {
  readonly code: string
  /** The files that it was built from. */
  readonly inputs: readonly string[]
}

/** Changes with a file's content, and when another file takes its place. */
function stateOf(file: string): string {
  const { size, mtimeMs, ctimeMs, ino } = fs.statSync(file)
  return `${size} ${mtimeMs} ${ctimeMs} ${ino}`
}

/** Returns the code in `cache`, unless a file that it was built from has changed or is missing. */
export function readBundle(cache: string): string | undefined {
  try {
    const text = fs.readFileSync(cache, 'utf8')
    const end = text.indexOf('\n')
    const states: Record<string, string> = JSON.parse(text.slice(0, end))
    const isCurrent = Object.entries(states).every(([file, state]) => stateOf(file) === state)
    return isCurrent ? text.slice(end + 1) : undefined
  } catch {
    return undefined
  }
}

/**
 * Writes a bundle to `cache`. A file that has changed since the build began, or a folder that cannot be written,
 * leaves the cache as it was.
 */
export function writeBundle(cache: string, { code, inputs }: Bundle, began: number): void {
  const fresh = `${cache}.${process.pid}`
  try {
    if (inputs.some(file => fs.statSync(file).ctimeMs >= began)) return
    const states = Object.fromEntries(inputs.map(file => [file, stateOf(file)]))
    fs.mkdirSync(path.dirname(cache), { recursive: true })
    fs.writeFileSync(fresh, `${JSON.stringify(states)}\n${code}`)
    fs.renameSync(fresh, cache)
  } catch {
    // Each start builds the bundle then, as on the read-only disk of an image.
    if (fs.existsSync(fresh)) fs.rmSync(fresh)
  }
}
