import { type DecodedLines, mapLines } from '../escapes.ts'

/** The end of a run of text, before tags and more text: a word processor's, a slide's, or a highlighter's. */
const RUN_END =
  /<\/(?:[wa]:t|t|text:span|tspan|span)>(?:<[^<>]{0,300}>){0,8}[^<>\s]|[^<>\s]<(?:text:)?span\b[^<>]{0,300}>[^<>\s]/
/** Tags after which another line of text begins. */
const LINE_END = /<(?:\/(?:[wa]:p|text:p|si|p|div|li|tr|w:tr|text|h\d)|(?:w:)?br ?\/?)>/g
/** Tags between two cells of a row. */
const CELL_END = /(?:<\/(?:w:p|text:p|p)>)?<\/(?:w:tc|td|th|table:table-cell)>/g
const TAG = /<[^<>]{1,1000}>/g

const RTF = Buffer.from('{\\rtf')
const RTF_LINE_END = /\\(?:par|line|cell|row)\b ?/g
/** A group's brace, or a control word with the blank after it. */
const RTF_CONTROL = /[{}]|\\\*|\\[a-z]{1,32}-?\d{0,10} ?/g

/** An array of strings with distances between them, as PDF shows kerned text (ISO 32000, 9.4.3). */
const KERNED = /\[((?:[^[\]\\()]|\((?:[^()\\]|\\.)*\))*)\] ?TJ/g
const KERNED_END = [']TJ', '] TJ']
const KERNED_PART = /\(((?:[^()\\]|\\.)*)\)|-\d{3,}/g

/** The signs of tags, of RTF and of PDF. */
export const MARKUP_MARKS = ['</', '{\\rtf', ']TJ']

/**
 * Returns the lines of marked-up text in which tags may split a token, or stand between a name and its value, without
 * their tags. Documents of Word, PowerPoint, Excel and LibreOffice have a run for each change of style or spelling, and
 * PDF a distance between letters.
 */
export function joinRuns(content: Buffer): DecodedLines | undefined {
  if (content.subarray(0, RTF.length).equals(RTF))
    return mapLines(content, line => line.replace(RTF_LINE_END, '\n').replace(RTF_CONTROL, ''))
  const hasRuns = content.includes('</') && RUN_END.test(content.toString('latin1'))
  const hasKerned = KERNED_END.some(end => content.includes(end))
  if (!hasRuns && !hasKerned) return undefined
  return mapLines(content, line => {
    if (hasKerned && KERNED_END.some(end => line.includes(end)))
      return line.replace(KERNED, (_, parts: string) => joinKerned(parts))
    if (!line.includes('</') || !RUN_END.test(line)) return line
    return line.replace(CELL_END, ': ').replace(LINE_END, '\n').replace(TAG, '')
  })
}

/** Joins the strings of an array. A wide distance stands for a space. */
const joinKerned = (parts: string) =>
  [...parts.matchAll(KERNED_PART)]
    .map(([, text]) => (text === undefined ? ' ' : text.replace(/\\(.)/g, '$1')))
    .join('')
