import { type DecodedLines, mapLines } from './escapes.ts'

const ESCAPE = 27
/** What terminals take as orders: control sequences (ECMA-48, 5.4), and changes of the alphabet. None is longer. */
const ESCAPE_SEQUENCE = /\x1b(?:\[[0-?]{0,64}[ -/]{0,4}([@-~])|[()][0-9A-B])/g
/** Orders that leave what follows where it is: colours, and the clearing of a line's rest. */
const KEEPS_POSITION = new Set(['m', 'K', undefined])

/** The lines of a log or a recorded terminal that have colours, without them: their last letter touches what follows. */
export function stripAnsi(content: Buffer): DecodedLines | undefined {
  if (!content.includes(ESCAPE)) return undefined
  return mapLines(content, line =>
    line.replace(ESCAPE_SEQUENCE, (_, end: string | undefined) => (KEEPS_POSITION.has(end) ? '' : ' ')),
  )
}
