import { type DecodedLines, mapLines } from './escapes.ts'

/** Control sequences of terminals (ECMA-48, 5.4) and changes of the character set. No valid sequence is longer. */
const ESCAPE_SEQUENCE = /\x1b(?:\[[0-?]{0,64}[ -/]{0,4}([@-~])|[()][0-9A-B])/g
/** Final bytes of sequences that leave the following text in place: colours, and "erase to the end of the line". */
const KEEPS_POSITION = new Set(['m', 'K', undefined])

/**
 * Returns the lines of a log or a recorded terminal without their colours, whose last letter touches the text after it.
 */
export function stripAnsi(content: Buffer): DecodedLines | undefined {
  return mapLines(content, line =>
    line.replace(ESCAPE_SEQUENCE, (_, end: string | undefined) => (KEEPS_POSITION.has(end) ? '' : ' ')),
  )
}
