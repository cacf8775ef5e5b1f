import { stripVTControlCharacters } from 'node:util'
import { INVISIBLE, visibleJson } from '../src/contract/text/invisible-characters.ts'

/** The options that every command has. */
export interface OutputOptions {
  readonly json?: boolean | undefined
}

/** Prints the result of a command on stdout, as JSON with --json. */
export function printResult(options: OutputOptions, value: unknown, text: () => string): void {
  const output = options.json ? visibleJson(value, 2) : text()
  if (output !== '') process.stdout.write(`${output}\n`)
}

/** Prints a note for the operator on stderr, so that programs can read stdout. */
export function printNote(line: string): void {
  process.stderr.write(`${stripControl(line)}\n`)
}

/** Removes control and invisible characters from untrusted text, except newlines. */
export function stripControl(text: string): string {
  return stripVTControlCharacters(text).replace(INVISIBLE, ' ').replaceAll('\t', ' ')
}

/** Formats rows under a heading, with aligned columns. Without rows returns the line `ifEmpty`. */
export function table(
  ifEmpty: string,
  heading: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  if (rows.length === 0) return ifEmpty
  const all = [heading, ...rows].map(row => row.map(cell => stripControl(cell).replaceAll('\n', ' ')))
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

/** Formats an ISO time in the local time zone, to the minute; null is empty. */
export function localTime(time: string | null): string {
  if (time === null) return ''
  const date = new Date(time)
  const twoDigits = (n: number) => String(n).padStart(2, '0')
  return `${date.getFullYear()}-${twoDigits(date.getMonth() + 1)}-${twoDigits(date.getDate())} ${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`
}
