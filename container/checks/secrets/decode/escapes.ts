/** The lines of a text that had an encoding, decoded, and the number of each line, from 0. */
export interface DecodedLines {
  readonly content: Buffer
  readonly lines: readonly number[]
}

const HEX = '[0-9a-fA-F]'
/** Escapes may be escaped again a few times: a doubled backslash, `%` as `%25`, `&` as `&amp;`. */
const ESCAPE = new RegExp(
  [
    `\\\\{1,4}x(?<x>${HEX}{2})`,
    `(?:\\\\{1,4}|%(?:25){0,8})u(?<u>${HEX}{4})`,
    `\\\\{1,4}U(?<long>${HEX}{8})`,
    `[\\\\\`]{1,4}[xu]\\{(?<braced>${HEX}{1,8})\\}`,
    // printf(1) takes fewer digits too, but one digit, or a code below the space, is not a printable character.
    '\\\\{1,2}(?<octal>[0-3][0-7]{2}|[4-7][0-7](?![0-7]))',
    `%(?:25){0,8}(?<percent>${HEX}{2})`,
    '&(?:amp;){0,8}#(?<decimal>\\d{2,9});?',
    `&(?:amp;){0,8}#[xX](?<hex>${HEX}{2,8});?`,
    '&(?:amp;){0,8}(?<named>[A-Za-z]{2,8});',
    '\\\\{1,4}(?:(?<plain>[/"\'nrt])|(?<control>e)(?=\\[))',
  ].join('|'),
  'g',
)
const ENTITIES: Readonly<Record<string, string>> = {
  lowbar: '_',
  underbar: '_',
  hyphen: '-',
  dash: '-',
  sol: '/',
  plus: '+',
  equals: '=',
  colon: ':',
  period: '.',
  quot: '"',
  apos: "'",
  amp: '&',
}
/** Characters that may follow a backslash. */
const ESCAPABLE = /[/"'nrtexuU0-7]/
const BACKSLASH = 92
/** The ESCAPE pattern takes shorter runs of backslashes. */
const BACKSLASH_RUN = '\\'.repeat(5)
const SHORT_ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '', t: '\t' }
/** The most rounds of escapes of escapes. */
const MAX_ROUNDS = 4

/** The signs that escapes begin with. */
export const ESCAPE_MARKS = ['\\', '%', '&', '`u{']

/** Decodes JSON, JavaScript, Python, Perl, shell, URL and HTML escapes. Returns the lines that have them. */
export function decodeEscapes(content: Buffer): DecodedLines | undefined {
  return mapLines(content, decodeLine)
}

/** Returns the lines that `decode` changes, decoded. */
export function mapLines(content: Buffer, decode: (line: string) => string): DecodedLines | undefined {
  const rows: string[] = []
  const lines: number[] = []
  content
    .toString('latin1')
    .split('\n')
    .forEach((line, number) => {
      const plain = decode(line)
      if (plain === line) return
      for (const row of plain.split('\n')) {
        rows.push(row)
        lines.push(number)
      }
    })
  return rows.length ? { content: Buffer.from(`${rows.join('\n')}\n`, 'latin1'), lines } : undefined
}

/** Replaces a run of backslashes before an escapable character by one: JSON inside JSON doubles them at each level. */
function collapseBackslashes(text: string): string {
  let collapsed = ''
  let from = 0
  for (let run = text.indexOf(BACKSLASH_RUN); run >= 0; run = text.indexOf(BACKSLASH_RUN, run)) {
    let end = run + BACKSLASH_RUN.length
    while (text.charCodeAt(end) === BACKSLASH) end++
    if (ESCAPABLE.test(text.charAt(end))) {
      collapsed += text.slice(from, run + 1)
      from = end
    }
    run = end
  }
  return from === 0 ? text : collapsed + text.slice(from)
}

function decodeLine(line: string): string {
  let text = line
  for (let round = 0; round < MAX_ROUNDS && /[\\%&`]/.test(text); round++) {
    const plain = collapseBackslashes(text).replace(ESCAPE, (whole, ...rest) => {
      const { named, plain, control, octal, decimal, ...hexes } = rest.at(-1) as Record<
        string,
        string | undefined
      >
      if (named) return ENTITIES[named.toLowerCase()] ?? whole
      if (plain) return SHORT_ESCAPES[plain] ?? plain
      if (control) return '\x1b'
      if (octal) return byteChar(Number.parseInt(octal, 8))
      if (decimal) return byteChar(Number(decimal))
      return byteChar(Number.parseInt(Object.values(hexes).find(Boolean) ?? '', 16))
    })
    if (plain === text) break
    text = plain
  }
  return text
}

const byteChar = (code: number) =>
  code === 10 || code === 13 ? ' ' : code < 256 ? String.fromCharCode(code) : '?'

/** Removes whitespace at the end of a line. A regular expression would try again at every blank of a long gap. */
function trimEnd(line: string): string {
  let end = line.length
  while (end > 0 && ' \t\r'.includes(line.charAt(end - 1))) end--
  return line.slice(0, end)
}

/** Several escapes: in a row, or of blanks and equals signs anywhere in a line. */
const QUOTED_RUN = /(?:=[0-9A-F]{2}){4}|(?:=20|=3D)[^\n]*(?:=20|=3D)/

/** Decodes quoted-printable in mail (RFC 2045, section 6.7), and on any line that has several escapes in a row. */
export function decodeQuotedPrintable(content: Buffer): DecodedLines | undefined {
  const text = content.toString('latin1')
  const isMail = /quoted-printable/i.test(text)
  if (!isMail && !QUOTED_RUN.test(text)) return undefined
  const rows: string[] = []
  const lines: number[] = []
  let joined = ''
  text.split('\n').forEach((raw, number) => {
    const line = trimEnd(raw)
    const continues = line.endsWith('=') && (isMail || QUOTED_RUN.test(line))
    if (!continues && !joined && !(isMail ? /=[0-9A-F]{2}/ : QUOTED_RUN).test(line)) return
    if (!joined) lines.push(number)
    joined += (continues ? line.slice(0, -1) : line).replace(/=([0-9A-F]{2})/g, (_, hex) =>
      byteChar(Number.parseInt(hex, 16)),
    )
    if (continues && joined.length < 100_000) return
    rows.push(joined)
    joined = ''
  })
  if (joined) rows.push(joined)
  return rows.length ? { content: Buffer.from(`${rows.join('\n')}\n`, 'latin1'), lines } : undefined
}
