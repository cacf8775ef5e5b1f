import { StringDecoder } from 'node:string_decoder'
import { printable } from '../git/command-list.ts'

/** Limit of a line of upstream's output, in characters. */
const MAX_LINE = 1_000

/** Reads lines from chunks of bytes. */
export interface LineReader {
  push(chunk: Buffer): void
  /** Reads a last line that has no line break. */
  end(): void
}

/** Creates a reader of upstream's output that calls `onLine` for each line which is not empty. */
export const readUpstreamLines = (onLine: (line: string) => void): LineReader =>
  splitLines(line => {
    if (line.trim()) onLine(printable(line).trimEnd().slice(0, MAX_LINE))
  })

/** Creates the same for git's stderr: the lines of upstream's output begin with `remote: `. */
export const readRemoteLines = (onLine: (line: string) => void): LineReader =>
  splitLines(line => {
    const words = /^remote: ?(.*)$/.exec(line)?.[1]
    if (words?.trim()) onLine(printable(words).trimEnd().slice(0, MAX_LINE))
  })

function splitLines(onLine: (line: string) => void): LineReader {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  return {
    push(chunk) {
      const lines = (rest + decoder.write(chunk)).split(/\r\n|\n|\r/)
      rest = (lines.pop() ?? '').slice(0, MAX_LINE)
      for (const line of lines) onLine(line)
    },
    end() {
      onLine(rest + decoder.end())
      rest = ''
    },
  }
}
