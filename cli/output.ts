import { stripVTControlCharacters } from 'node:util'
import { UNSEEN, visibleJson } from '../src/contract/invisible-characters.ts'

/** What a command may be told about how to speak. */
export interface Speech {
  readonly json?: boolean | undefined
}

/** The answer of a command on stdout: JSON when asked for, else the text. */
export function answer(speech: Speech, value: unknown, text: () => string): void {
  const out = speech.json ? visibleJson(value, 2) : text()
  if (out !== '') process.stdout.write(`${out}\n`)
}

/** Something beside the answer, for the person who watches: on stderr, so that stdout stays for programs. */
export function note(line: string): void {
  process.stderr.write(`${plain(line)}\n`)
}

/** Text of others made safe for a terminal: nothing that controls it, hides or reorders, but newlines. */
export function plain(text: string): string {
  return stripVTControlCharacters(text).replace(UNSEEN, ' ').replaceAll('\t', ' ')
}

/** Rows under a heading, in columns as wide as they need. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heading, ...rows].map(row => row.map(cell => plain(cell).replaceAll('\n', ' ')))
  const widths = heading.map((_, column) => Math.max(...all.map(row => row[column]?.length ?? 0)))
  return all
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** An ISO time in the reader's time zone, to the minute; empty for none. */
export function localTime(time: string | null): string {
  if (time === null) return ''
  const date = new Date(time)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`
}
