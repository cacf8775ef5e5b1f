import type { DecodedLines } from './escapes.ts'

/**
 * Signs that writers and editors put inside a token, in latin1 of UTF-8: zero-width spaces and joiners, soft hyphens and
 * byte order marks; their HTML names, and `<wbr>`; and the backslash before an underscore or a dash of Markdown.
 */
const INSIDE =
  /\xe2\x80[\x8b-\x8d]|\xe2\x81\xa0|\xc2\xad|\xef\xbb\xbf|<wbr ?\/?>|&(?:shy|ZeroWidthSpace|NoBreak|zwnj|zwj|#8203|#173|#xad|#x200b);|\\(?=[_-])/gi
/** Quotation marks of typesetting, around a value. */
const QUOTES = /\xe2\x80[\x98-\x9f]|\xc2[\xab\xbb]/g
/** A token at the end of a line, before the sign that continues it: of a shell, of PowerShell, of cmd.exe. */
const CONTINUED = /[A-Za-z0-9_-][\\`^]\r?$/
const TOKEN_START = /^[A-Za-z0-9_-]/

/** Marks that nearly no text has: each is worth a look at every line. */
const RARE_MARKS = ['\xe2\x80', '\xe2\x81', '\xc2', '\xef\xbb', '<wbr', '<WBR'].map(mark =>
  Buffer.from(mark, 'latin1'),
)
/** Signs that begin with a mark that source code is full of. */
const COMMON_MARKS: readonly { mark: string; sign: RegExp }[] = [
  { mark: '&', sign: /&(?:shy|ZeroWidthSpace|NoBreak|zwnj|zwj|#8203|#173|#xad|#x200b);/i },
  { mark: '\\', sign: /\\(?:[_-]|\r?\n[A-Za-z0-9_-])/ },
  { mark: '`', sign: /[A-Za-z0-9_-]`\r?\n[A-Za-z0-9_-]/ },
  { mark: '^', sign: /[A-Za-z0-9_-]\^\r?\n[A-Za-z0-9_-]/ },
]

/** The signs of both kinds, or their first bytes. */
export const SPLIT_MARKS = ['\xe2', '\xc2', '\xef', '<', '&', '\\', '`', '^']

/** Returns the lines in which signs split a token or are around a value, without these signs. */
export function joinSplitTokens(content: Buffer): DecodedLines | undefined {
  const isRare = RARE_MARKS.some(mark => content.includes(mark))
  if (!isRare && !COMMON_MARKS.some(({ mark }) => content.includes(mark))) return undefined
  const text = content.toString('latin1')
  if (!isRare && !COMMON_MARKS.some(({ sign }) => sign.test(text))) return undefined
  const rows: string[] = []
  const lines: number[] = []
  const source = text.split('\n')
  for (let i = 0; i < source.length; i++) {
    const first = i
    const parts = [source[i] ?? '']
    for (; CONTINUED.test(source[i] ?? '') && TOKEN_START.test(source[i + 1] ?? ''); i++)
      parts.push(source[i + 1] ?? '')
    const line = parts
      .map((part, index) => (index < parts.length - 1 ? part.replace(/[\\`^]\r?$/, '') : part))
      .join('')
    const joined = line.replace(INSIDE, '').replace(QUOTES, '"')
    if (first === i && joined === line) continue
    rows.push(joined)
    lines.push(first)
  }
  return rows.length > 0 ? { content: Buffer.from(rows.join('\n'), 'latin1'), lines } : undefined
}
