/** Text with its escapes undone: only the lines that had some, and the number of each (from 0). */
export interface Unescaped {
  readonly content: Buffer
  readonly lines: readonly number[]
}

const HEX = '[0-9a-fA-F]'
/** Escapes may be escaped again, and that a few times: a backslash doubled, `%` as `%25`, `&` as `&amp;`. */
const ESCAPE = new RegExp(
  [
    `\\\\{1,4}x(?<x>${HEX}{2})`,
    `(?:\\\\{1,4}|%(?:25){0,8})u(?<u>${HEX}{4})`,
    `\\\\{1,4}U(?<long>${HEX}{8})`,
    `[\\\\\`]{1,4}[xu]\\{(?<braced>${HEX}{1,8})\\}`,
    // printf(1) takes fewer digits too; fewer than two, or less than a blank, say nothing.
    '\\\\{1,2}(?<octal>[0-3][0-7]{2}|[4-7][0-7](?![0-7]))',
    `%(?:25){0,8}(?<percent>${HEX}{2})`,
    '&(?:amp;){0,8}#(?<decimal>\\d{2,9});?',
    `&(?:amp;){0,8}#[xX](?<hex>${HEX}{2,8});?`,
    '&(?:amp;){0,8}(?<named>[A-Za-z]{2,8});',
    '\\\\{1,4}(?:(?<plain>[/"\'nrt])|(?<control>e)(?=\\[))',
  ].join('|'),
  'g',
)
const NAMED: Readonly<Record<string, string>> = {
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
/** What may be escaped, and what begins an escape. */
const ESCAPABLE = /[/"'nrtexuU0-7]/
const BACKSLASH = 92
/** Shorter runs of backslashes are for the pattern. */
const MANY = '\\'.repeat(5)
const PLAIN: Readonly<Record<string, string>> = { n: '\n', r: '', t: '\t' }
/** So many escapes of escapes are undone. */
const ROUNDS = 4

/** JSON, JavaScript, Python, Perl, shell, URL and HTML escapes undone, on the lines that have them. */
export function unescaped(content: Buffer): Unescaped | undefined {
  if (!content.includes(92) && !content.includes(37) && !content.includes(38) && !content.includes('`u{'))
    return undefined
  return onItsLines(content, undone)
}

/** The lines that something changes, as it leaves them. */
export function onItsLines(content: Buffer, undo: (line: string) => string): Unescaped | undefined {
  const kept: string[] = []
  const lines: number[] = []
  content
    .toString('latin1')
    .split('\n')
    .forEach((line, number) => {
      const plain = undo(line)
      if (plain === line) return
      for (const row of plain.split('\n')) {
        kept.push(row)
        lines.push(number)
      }
    })
  return kept.length ? { content: Buffer.from(`${kept.join('\n')}\n`, 'latin1'), lines } : undefined
}

/** With one backslash for the many before what may be escaped: there are twice as many for each JSON around JSON. */
function collapsed(text: string): string {
  let kept = ''
  let from = 0
  for (let at = text.indexOf(MANY); at >= 0; at = text.indexOf(MANY, at)) {
    let end = at + MANY.length
    while (text.charCodeAt(end) === BACKSLASH) end++
    if (ESCAPABLE.test(text.charAt(end))) {
      kept += text.slice(from, at + 1)
      from = end
    }
    at = end
  }
  return from === 0 ? text : kept + text.slice(from)
}

function undone(line: string): string {
  let text = line
  for (let round = 0; round < ROUNDS && /[\\%&`]/.test(text); round++) {
    const plain = collapsed(text).replace(ESCAPE, (whole, ...rest) => {
      const { named, plain, control, octal, decimal, ...hexes } = rest.at(-1) as Record<
        string,
        string | undefined
      >
      if (named) return NAMED[named.toLowerCase()] ?? whole
      if (plain) return PLAIN[plain] ?? plain
      if (control) return '\x1b'
      if (octal) return letter(Number.parseInt(octal, 8))
      if (decimal) return letter(Number(decimal))
      return letter(Number.parseInt(Object.values(hexes).find(Boolean) ?? '', 16))
    })
    if (plain === text) break
    text = plain
  }
  return text
}

const letter = (point: number) =>
  point === 10 || point === 13 ? ' ' : point < 256 ? String.fromCharCode(point) : '?'

/** Without the blanks at its end. A pattern would try again from every blank of a long gap within the line. */
function trimmedEnd(line: string): string {
  let end = line.length
  while (end > 0 && ' \t\r'.includes(line.charAt(end - 1))) end--
  return line.slice(0, end)
}

/** Quoted-printable undone, of mail (RFC 2045, section 6.7), and wherever a line is mostly made of it. */
export function unquoted(content: Buffer): Unescaped | undefined {
  if (!content.includes(61)) return undefined
  const text = content.toString('latin1')
  const isMail = /quoted-printable/i.test(text)
  const kept: string[] = []
  const lines: number[] = []
  let open = ''
  text.split('\n').forEach((ended, number) => {
    const line = trimmedEnd(ended)
    const goesOn = line.endsWith('=') && (isMail || /(?:=[0-9A-F]{2}){4}/.test(line))
    if (!goesOn && !open && !(isMail ? /=[0-9A-F]{2}/ : /(?:=[0-9A-F]{2}){4}/).test(line)) return
    if (!open) lines.push(number)
    open += (goesOn ? line.slice(0, -1) : line).replace(/=([0-9A-F]{2})/g, (_, hex) =>
      letter(Number.parseInt(hex, 16)),
    )
    if (goesOn && open.length < 100_000) return
    kept.push(open)
    open = ''
  })
  if (open) kept.push(open)
  return kept.length ? { content: Buffer.from(`${kept.join('\n')}\n`, 'latin1'), lines } : undefined
}
