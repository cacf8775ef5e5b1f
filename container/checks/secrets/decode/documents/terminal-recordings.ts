import { isText } from '../../bytes/is-text.ts'
import type { DecodedLines } from '../escapes.ts'

const BACKSPACE = 8
/** A shell writes this where its line goes on in the next row of the screen. */
const WRAP = ' \r'
/** The first line of a recording by asciinema: version 2 or 3. */
const HEADER = /^\{[^\n]{0,200}"version": ?[23]\b/
/** An event: its time, its kind (input or output) and its text as JSON. */
const EVENT = /^\[ ?[\d.]{1,20}, ?"([io])", ?("(?:[^"\\]|\\.)*")\]\s*$/
/** Control sequences of terminals (ECMA-48, 5.4), titles of windows, and changes of the character set. */
const SEQUENCE =
  /\x1b(?:\[([0-?]{0,64})[ -/]{0,4}([@-~])|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)?|[()][0-9A-B]|[=>])/y
/** The most characters of a line that is replayed. */
const MAX_LINE = 100_000

/** Returns whether a text is a recording, in which each typed character is an event of its own. */
export const isRecording = (text: string): boolean => HEADER.test(text)

/** The signs of events, of a backspace and of a wrapped line. */
export const RECORDING_MARKS = ['{"version', '\b', WRAP]

/**
 * Returns the lines of a recorded terminal as its user saw them: the events of asciinema joined, and backspaces applied,
 * as script(1) records them.
 */
export function replayTerminal(content: Buffer): DecodedLines | undefined {
  const start = content.toString('latin1', 0, 512)
  if (isRecording(start)) return replayEvents(content.toString('utf8'))
  if ((!content.includes(BACKSPACE) && !content.includes(WRAP)) || !isText(content)) return undefined
  const rows: string[] = []
  const lines: number[] = []
  for (const [number, line] of content.toString('latin1').split('\n').entries()) {
    if (!/\x08| \r[^\n]/.test(line)) continue
    rows.push(replayLine(line))
    lines.push(number)
  }
  return rows.length > 0 ? { content: Buffer.from(`${rows.join('\n')}\n`, 'latin1'), lines } : undefined
}

/** Joins the events of a recording, those of the input apart from those of the output. */
function replayEvents(recording: string): DecodedLines | undefined {
  const rows: string[] = []
  const lines: number[] = []
  const pending = { i: { text: '', line: 0 }, o: { text: '', line: 0 } }
  const end = (stream: { text: string; line: number }) => {
    if (stream.text !== '') {
      rows.push(replayLine(stream.text))
      lines.push(stream.line)
    }
    stream.text = ''
  }
  for (const [number, line] of recording.split('\n').entries()) {
    const [, kind, json] = EVENT.exec(line) ?? []
    if (kind === undefined || json === undefined) continue
    const stream = kind === 'i' ? pending.i : pending.o
    const [first = '', ...others] = parseString(json).split('\n')
    if (stream.text === '') stream.line = number
    stream.text += first
    for (const other of others) {
      end(stream)
      stream.line = number
      stream.text = other
    }
    if (stream.text.length > MAX_LINE) end(stream)
  }
  end(pending.i)
  end(pending.o)
  return rows.length > 0 ? { content: Buffer.from(`${rows.join('\n')}\n`), lines } : undefined
}

function parseString(json: string): string {
  try {
    return String(JSON.parse(json))
  } catch {
    return ''
  }
}

/** Returns a line of a terminal after its editing. */
function replayLine(line: string): string {
  const cells: string[] = []
  let cursor = 0
  for (let i = 0; i < line.length; i++) {
    const character = line.charAt(i)
    if (character === '\b' || character === '\x7f') cursor = Math.max(0, cursor - 1)
    else if (character === '\x1b') {
      SEQUENCE.lastIndex = i
      const [sequence = '', parameter = '', end] = SEQUENCE.exec(line) ?? []
      i += Math.max(0, sequence.length - 1)
      const count = Math.min(Number.parseInt(parameter, 10) || 1, MAX_LINE)
      if (end === 'K' && parameter === '') cells.length = Math.min(cells.length, cursor)
      else if (end === 'D') cursor = Math.max(0, cursor - count)
      else if (end === 'C') cursor = Math.min(cells.length, cursor + count)
    } else if (character === '\r') {
      if (cells[cursor - 1] === ' ' && cursor === cells.length) cells.length = --cursor
      else cursor = 0
    } else cells[cursor++] = character
  }
  return cells.join('')
}
