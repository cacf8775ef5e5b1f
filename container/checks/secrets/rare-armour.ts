import type { Decoded } from './armour.ts'

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** RFC 4648, section 6. */
export function fromBase32(text: string): Buffer {
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const letter of text) {
    held = ((held << 5) | BASE32.indexOf(letter)) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((held >> bits) & 255)
  }
  return Buffer.from(bytes)
}

/** What uuencode(1) made. */
export function* uuencodedIn(text: string): Generator<Decoded> {
  for (const begin of text.matchAll(/^begin [0-7]{3,4} [^\n]*\n/gm)) {
    const bytes: number[] = []
    let at = begin.index + begin[0].length
    for (;;) {
      const end = text.indexOf('\n', at)
      const line = text.slice(at, end < 0 ? text.length : end)
      const count = (line.charCodeAt(0) - 32) & 63
      if (!/^[ -`]+\r?$/.test(line) || count === 0) break
      const values = [...line.slice(1)].map(letter => (letter.charCodeAt(0) - 32) & 63)
      const row: number[] = []
      for (let i = 0; i + 1 < values.length; i += 4) {
        const [a = 0, b = 0, c = 0, d = 0] = values.slice(i, i + 4)
        row.push((a << 2) | (b >> 4), ((b & 15) << 4) | (c >> 2), ((c & 3) << 6) | d)
      }
      bytes.push(...row.slice(0, count))
      if (end < 0) break
      at = end + 1
    }
    if (bytes.length > 0) yield { how: 'uuencode', content: Buffer.from(bytes), at: begin.index }
  }
}

/** Adobe's base85: between `<~` and `~>`, and in streams of a PDF, up to `~>`. */
export function* ascii85In(text: string): Generator<Decoded> {
  let from = 0
  for (let end = text.indexOf('~>'); end >= 0; end = text.indexOf('~>', from)) {
    const before = text.slice(from, end)
    const start = Math.max(before.lastIndexOf('<~'), before.lastIndexOf('stream'))
    if (start >= 0) {
      const begin = start + (before[start] === '<' ? 2 : 6)
      yield { how: 'ascii85', content: fromAscii85(before.slice(begin)), at: from + start }
    }
    from = end + 2
  }
}

function fromAscii85(text: string): Buffer {
  const bytes: number[] = []
  let group: number[] = []
  const put = (values: readonly number[], count: number) => {
    const value = values.reduce((sum, digit) => sum * 85 + digit, 0)
    for (let i = 0; i < count; i++) bytes.push(Math.floor(value / 256 ** (3 - i)) & 255)
  }
  for (const letter of text) {
    if (/\s/.test(letter)) continue
    const digit = letter.charCodeAt(0) - 33
    if (letter === 'z' && group.length === 0) put([0], 4)
    else if (digit < 0 || digit > 84) break
    else if (group.push(digit) === 5) {
      put(group, 4)
      group = []
    }
  }
  if (group.length > 1) put([...group, 84, 84, 84].slice(0, 5), group.length - 1)
  return Buffer.from(bytes)
}
