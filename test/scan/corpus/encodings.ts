import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { packedBy, png, tar, wideText, zip } from '../fixtures/archives.ts'
import { adobeId, anyKey, awsKeyId, githubToken, privateKey, prose, random } from '../fixtures/fakes.ts'
import { type Case, onMain } from './case.ts'
import { inFile } from './content.ts'

const line = (secret: string) => `export const token = "${secret}"\n`
const base64 = (content: string | Buffer) => Buffer.from(content).toString('base64')
const wrapped = (text: string, width = 76) => text.replace(new RegExp(`(.{${width}})`, 'g'), '$1\n')
const each = (text: string, form: (code: number) => string) =>
  [...text].map(char => form(char.charCodeAt(0))).join('')
const hex = (code: number, digits = 2) => code.toString(16).padStart(digits, '0')
const binary = Buffer.from(Array.from({ length: 300 }, (_, i) => (i * 73 + 128) % 256))

const amid = (packed: Buffer) => Buffer.concat([binary, packed, binary])
const latin = (text: string) => Buffer.from(text, 'latin1')

/** A zip whose local header contradicts its central directory. */
function liedAbout(content: string, lie: (zip: Buffer) => void): Buffer {
  const archive = zip({ 'app.ts': content })
  lie(archive)
  return archive
}

/** Encodes base32 (RFC 4648, section 6). */
function base32(text: string): string {
  const bits = each(text, code => code.toString(2).padStart(8, '0'))
  return bits.replace(/.{1,5}/g, five =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.charAt(Number.parseInt(five.padEnd(5, '0'), 2)),
  )
}

/** Encodes as uuencode(1) does. */
function uuencoded(text: string): string {
  const letter = (value: number) => String.fromCharCode(value === 0 ? 96 : value + 32)
  const row = (part: string) =>
    letter(part.length) +
    (part.match(/[\s\S]{1,3}/g) ?? [])
      .map(three => {
        const value = Buffer.from(three.padEnd(3, '\0')).readUIntBE(0, 3)
        return [18, 12, 6, 0].map(shift => letter((value >> shift) & 63)).join('')
      })
      .join('')
  return `begin 644 a.txt\n${(text.match(/[\s\S]{1,45}/g) ?? []).map(row).join('\n')}\n\`\nend\n`
}

/** Encodes base85 as in PDF, without its end mark. */
function ascii85(content: Buffer): string {
  const padded = Buffer.concat([content, Buffer.alloc(3)])
  let text = ''
  for (let at = 0; at < content.length; at += 4) {
    const value = padded.readUInt32BE(at)
    const letters = [4, 3, 2, 1, 0].map(power =>
      String.fromCharCode((Math.floor(value / 85 ** power) % 85) + 33),
    )
    const kept = Math.min(content.length - at, 4) + 1
    text += value === 0 && kept === 5 ? 'z' : letters.slice(0, kept).join('')
  }
  return text
}

interface DumpForm {
  /** The number of bytes in a row. */
  readonly row?: number
  /** The base and the number of digits of the offset before a row. */
  readonly offset?: readonly [base: number, digits: number]
}

/** Rows of bytes after their offsets, as xxd(1), hexdump(1) and od(1) print them. */
function dumped(
  text: string,
  show: (bytes: Buffer, text: string) => string,
  { row = 16, offset: [base, digits] = [16, 8] }: DumpForm = {},
): string {
  const bytes = Buffer.from(text.padEnd(Math.ceil(text.length / row) * row))
  const rows = Array.from({ length: bytes.length / row }, (_, i) => bytes.subarray(i * row, (i + 1) * row))
  return rows
    .map((part, i) => {
      const offset = (i * row).toString(base).padStart(digits, '0')
      return `${offset}${show(part, part.toString().replaceAll('\n', '.'))}\n`
    })
    .join('')
}

const OD: DumpForm = { offset: [8, 7] }
const bytesIn = (base: number, digits: number, bytes: Buffer) =>
  [...bytes].map(byte => byte.toString(base).padStart(digits, base === 10 ? ' ' : '0'))
/** Words in little-endian order. */
const words = (bytes: Buffer, size: number, form: (word: number) => string) =>
  Array.from({ length: bytes.length / size }, (_, i) => form(bytes.readUIntLE(i * size, size)))

/** Encodes base85 with the alphabet of RFC 1924, as Python's b85encode does. */
function base85(text: string): string {
  const letters = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~'
  const bytes = Buffer.from(text.padEnd(Math.ceil(text.length / 4) * 4))
  return Array.from({ length: bytes.length / 4 }, (_, i) =>
    [4, 3, 2, 1, 0].map(power => letters.charAt(Math.floor(bytes.readUInt32BE(i * 4) / 85 ** power) % 85)),
  )
    .flat()
    .join('')
}

/** A Kubernetes secret: only a rule that asks for a file's name finds it. */
const kubernetes = (secret: string) =>
  `apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\ntype: Opaque\ndata:\n  password: ${base64(secret)}\n`
/** Gzip with a file name (RFC 1952, 2.3.1). */
const gzipOf = (name: string, content: string) => {
  const packed = gzipSync(content)
  packed.writeUInt8(8, 3)
  return Buffer.concat([packed.subarray(0, 10), latin(`${name}\0`), packed.subarray(10)])
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
/** A key whose length, 107, is the code of the letter k. */
const longKey = () => `sk_live${'_'}${random(LETTERS, 99)}`
const before = (bytes: number) => prose(bytes + 100).slice(0, bytes)
const base64url = (content: string) => Buffer.from(content).toString('base64url')

/** Encodings that a scanner of plain text does not decode. */
export const caughtEncodings: readonly Case[] = [
  inFile('UTF-16 LE with a byte-order mark', 'a.reg', s => wideText(`first\n${line(s)}`, { mark: true })),
  inFile('UTF-16 BE with a byte-order mark', 'a.reg', s => wideText(line(s), { big: true, mark: true })),
  inFile('UTF-16 LE without a byte-order mark', 'a.reg', s => wideText(line(s), {})),
  inFile('UTF-16 BE without a byte-order mark', 'a.reg', s => wideText(line(s), { big: true })),
  inFile('UTF-32 LE', 'a.txt', s => wideText(line(s), { bits: 32 })),
  inFile('UTF-32 BE with a byte-order mark', 'a.txt', s =>
    wideText(line(s), { bits: 32, big: true, mark: true }),
  ),
  inFile('UTF-16 in another script', 'a.txt', s =>
    wideText(`ключ доступа к базе данных: ${s} и ещё немного текста\n`, {}),
  ),
  inFile('UTF-16 in a binary', 'a.dll', s => Buffer.concat([binary, wideText(s, {}), binary])),
  inFile('UTF-16 BE in a binary, at an odd offset', 'a.dll', s =>
    Buffer.concat([binary, Buffer.from([1]), wideText(s, { big: true }), Buffer.from([0, 0]), binary]),
  ),
  inFile('base64', 'a.yml', s => `data: ${base64(line(s))}\n`),
  inFile('base64 for URLs', 'a.yml', s => `data: ${Buffer.from(`??>>${line(s)}`).toString('base64url')}\n`),
  inFile('base64 in lines', 'a.txt', s => wrapped(base64(`${prose(300)}${s}\n${prose(200)}`))),
  inFile('base64 in lines that end in CRLF', 'a.eml', s =>
    wrapped(base64(`${prose(300)}${s}\n${prose(200)}`)).replaceAll('\n', '\r\n'),
  ),
  inFile('base64 of base64 of base64', 'a.txt', s => base64(base64(base64(line(s))))),
  inFile(
    'base64 of a value that only its name reveals',
    'a.ini',
    s => `adobe_id = "${base64(s)}"\n`,
    adobeId,
  ),
  inFile(
    'hex of a value that only its name reveals',
    'a.ini',
    s => `adobe_id = ${each(s, c => hex(c))}\n`,
    adobeId,
  ),
  inFile('base64 of such a value, below its name', 'a.yaml', s => `adobe_id:\n  "${base64(s)}"\n`, adobeId),
  inFile(
    'base64 in URL escapes of such a value',
    'a.txt',
    s => `adobe_id=${each(base64(s), code => `%${hex(code)}`)}\n`,
    adobeId,
  ),
  inFile(
    'base64 of hex of such a value',
    'a.js',
    s => `a={adobe_id:'${base64(each(s, c => hex(c)))}'}\n`,
    adobeId,
  ),
  inFile(
    'base64 of UTF-16, as PowerShell takes it',
    'a.ps1',
    s => `powershell -enc ${base64(wideText(`$t = '${s}'`, {}))}\n`,
  ),
  inFile('base64 in a data URI', 'a.html', s => `<img src="data:text/plain;base64,${base64(line(s))}">\n`),
  inFile('base64 after other letters of its alphabet', 'a.txt', s => `prefix/${base64(line(s))}\n`),
  inFile('hex', 'a.txt', s => `blob = ${Buffer.from(line(s)).toString('hex')}\n`),
  inFile('hex in capitals', 'a.txt', s => Buffer.from(line(s)).toString('hex').toUpperCase()),
  inFile('hex in lines', 'a.txt', s => wrapped(Buffer.from(`${prose(100)}${s}\n`).toString('hex'), 64)),
  inFile('a list of hex bytes', 'a.c', s => `char t[] = { ${each(s, c => `0x${hex(c)}, `)}0x00 };\n`),
  inFile('a hex dump', 'a.txt', s => each(line(s), c => `${hex(c)} `)),
  inFile('\\x escapes', 'a.py', s => `t = "${each(s, c => `\\x${hex(c)}`)}"\n`),
  inFile('\\u escapes', 'a.js', s => `t = "${each(s, c => `\\u${hex(c, 4)}`)}"\n`),
  inFile('\\u{} escapes', 'a.js', s => `t = "${each(s, c => `\\u{${hex(c, 4)}}`)}"\n`),
  inFile('octal escapes', 'a.sh', s => `t=$'${each(s, c => `\\${c.toString(8).padStart(3, '0')}`)}'\n`),
  inFile('some escapes among letters', 'a.js', s => `t = "${s.slice(0, 3)}\\x5f${s.slice(4)}"\n`),
  inFile('percent-encoding', 'a.url', s => `https://h/?t=${each(s, c => `%${hex(c)}`)}\n`),
  inFile('HTML entities', 'a.html', s => `<p>${each(s, c => `&#${c};`)}</p>\n`),
  inFile('percent-encoding, twice', 'a.url', s => `https://h/?t=${each(s, c => `%25${hex(c)}`)}\n`),
  inFile('%u escapes', 'a.js', s => `t = unescape("${each(s, c => `%u${hex(c, 4)}`)}")\n`),
  inFile('\\u{} escapes of two digits', 'a.rs', s => `let t = "${each(s, c => `\\u{${hex(c)}}`)}";\n`),
  inFile('\\U escapes', 'a.py', s => `t = "${each(s, c => `\\U${hex(c, 8)}`)}"\n`),
  inFile('\\x{} escapes', 'a.pl', s => `$t = "${each(s, c => `\\x{${hex(c)}}`)}";\n`),
  inFile('an escape before letters that could be its digits', 'a.js', s => {
    const at = s.length - 5
    return `t = "${s.slice(0, at)}\\u${hex(s.charCodeAt(at), 4)}${s.slice(at + 1)}"\n`
  }),
  inFile('JSON escapes in a URL', 'a.url', s => {
    const json = `{"t":"${each(s, c => `\\u${hex(c, 4)}`)}"}`
    return `https://h/?d=${each(json, c => `%${hex(c)}`)}\n`
  }),
  inFile('an HTML entity by name', 'a.html', s => `<p>${s.replace('_', '&lowbar;')}</p>\n`),
  inFile('HTML entities with zeros', 'a.html', s => `<p>${each(s, c => `&#x${hex(c, 6)};`)}</p>\n`),
  inFile('a list of decimal bytes', 'a.js', s => `String.fromCharCode(${each(s, c => `${c}, `)}32)\n`),
  inFile('a buffer in JSON', 'a.json', s => JSON.stringify({ body: Buffer.from(line(s)) }, null, 2)),
  inFile(
    'quoted-printable, broken by its line ends',
    'a.eml',
    s =>
      `Content-Transfer-Encoding: quoted-printable\r\n\r\nToken=20is ${s.slice(0, 20)}=\r\n${s.slice(20)} now=\r\n.\r\n`,
  ),
  inFile('quoted-printable throughout', 'a.txt', s => `${each(s, c => `=${hex(c).toUpperCase()}`)}\n`),
  inFile('HTML entities without their ends', 'a.html', s => `<p>${each(s, c => `&#${c}`)}</p>\n`),
  inFile('a log in colours', 'ci.log', s => `\x1b[36mID\x1b[0m: \x1b[1;32m${s}\x1b[0m\n`, awsKeyId),
  inFile(
    'a recorded terminal in colours',
    'a.cast',
    s => `[1.2,"o","\\u001b[32m${s}\\u001b[0m\\r\\n"]\n`,
    awsKeyId,
  ),
  inFile(
    'colours in a script',
    'a.sh',
    s => `printf '\\e[32m${s}\\e[0m and \\033[32m${s}\\033[0m'\n`,
    awsKeyId,
  ),
  inFile(
    'a string of marshalled Python, after its length',
    'a.pyc',
    s => Buffer.concat([binary, latin(`S\0)\x02z${String.fromCharCode(s.length)}${s}N)\x01`), binary]),
    longKey,
  ),
  inFile(
    'a string of marshalled Python, with a letter after it',
    'a.pyc',
    s => Buffer.concat([binary, latin(`S\0)\x02z${String.fromCharCode(s.length)}${s}N)\x01`), binary]),
    awsKeyId,
  ),
  inFile(
    'the second string of a protocol buffer',
    'a.pb',
    s => Buffer.concat([latin(`\n\x05Alice"${String.fromCharCode(s.length)}${s}2\x01a`), binary]),
    longKey,
  ),
  inFile(
    'a protocol buffer that is nearly all text',
    'a.pb',
    s => latin(`\n${String.fromCharCode(s.length)}${s}\x12\x03\x01\x02\x03`),
    longKey,
  ),
  ...(['/', '_', '-'] as const).flatMap(sign =>
    [40, 42].map(bytes =>
      inFile(
        `base64 behind base64 of ${bytes} bytes and a ${sign}`,
        'a.txt',
        s => `k=${base64url(before(bytes))}${sign}${base64url(line(s))}\n`,
      ),
    ),
  ),
  ...[16, 20, 30].map(width =>
    inFile(`base64 in lines of ${width} letters`, 'a.txt', s =>
      wrapped(base64(`${prose(80)}${line(s)}${prose(80)}`), width),
    ),
  ),
  inFile('base64 in lines that end in CR', 'a.txt', s =>
    wrapped(base64(`${prose(300)}${s}\n${prose(200)}`)).replaceAll('\n', '\r'),
  ),
  inFile('gzip in base64 in lines of a diff', 'a.patch', s =>
    wrapped(base64(gzipSync(`${line(s)}${anyKey().repeat(3)}${anyKey()}${anyKey()}`))).replace(/^/gm, '+'),
  ),
  inFile('gzip in hex in lines, with an end mark', 'a.txt', s => {
    const packed = gzipSync(`${line(s)}${anyKey()}${anyKey()}${anyKey()}`).toString('hex')
    return `${wrapped(packed, 64)}\n-----END DATA-----\n`
  }),
  {
    name: 'a binary patch of git',
    async make(work) {
      const secret = githubToken()
      await work.git('checkout', '--quiet', '-b', 'side')
      await work.write('a.bin', Buffer.concat([binary, Buffer.from(`${prose(500)}${line(secret)}`)]))
      await work.commit('Side')
      const patch = await work.git('format-patch', '--stdout', '--binary', 'main')
      await work.git('checkout', '--quiet', 'main')
      await work.write('0001.patch', patch)
      await work.commit('Patch')
      return onMain(secret)
    },
  },
  inFile('HTML entities in hex', 'a.html', s => `<p>${each(s, c => `&#x${hex(c)};`)}</p>\n`),
  inFile(
    'JSON in JSON in JSON',
    'a.json',
    s => JSON.stringify({ a: JSON.stringify({ b: JSON.stringify({ key: s }) }) }),
    privateKey,
  ),
  inFile('base64 in lines of JSON', 'a.json', s =>
    JSON.stringify({ data: wrapped(base64(`${prose(95)}${s}\n${prose(200)}`)) }),
  ),
  inFile('base64 in lines of a comment', 'a.py', s =>
    wrapped(base64(`${prose(300)}${s}\n${prose(200)}`), 60).replace(/^/gm, '# '),
  ),
  inFile('base64 that begins after its key', 'a.yml', s =>
    wrapped(`data: ${base64(`${prose(38)}${s}\n${prose(200)}`)}`),
  ),
  inFile('base64 of a binary', 'a.txt', s => base64(amid(Buffer.from(line(s))))),
  inFile('base64 of a binary with gzip', 'a.txt', s => base64(amid(gzipSync(line(s))))),
  inFile('base64 of a tar', 'a.txt', s => base64(tar({ 'app.ts': line(s) }))),
  inFile('base64 of UTF-16 in a binary', 'a.txt', s => base64(amid(wideText(line(s), {})))),
  inFile('hex of a binary', 'a.txt', s => amid(Buffer.from(line(s))).toString('hex')),
  inFile('hex after a letter that could be its digit', 'a.txt', s => `data${Buffer.from(s).toString('hex')}`),
  ...(
    [
      [
        'xxd',
        {},
        (bytes, text) =>
          `: ${words(bytes, 1, byte => hex(byte))
            .join('')
            .replace(/.{4}/g, '$& ')} ${text}`,
      ],
      ['xxd -e', {}, (bytes, text) => `: ${words(bytes, 4, word => hex(word, 8)).join(' ')}  ${text}`],
      ['xxd -b', { row: 6 }, (bytes, text) => `: ${bytesIn(2, 8, bytes).join(' ')}  ${text}`],
      [
        'hexdump -C',
        {},
        (bytes, text) =>
          `  ${bytesIn(16, 2, bytes.subarray(0, 8)).join(' ')}  ${bytesIn(16, 2, bytes.subarray(8)).join(' ')}  |${text}|`,
      ],
      ['hexdump', { offset: [16, 7] }, bytes => ` ${words(bytes, 2, word => hex(word, 4)).join(' ')}`],
      ['hexdump -x', { offset: [16, 7] }, bytes => words(bytes, 2, word => `    ${hex(word, 4)}`).join('')],
      ['od', OD, bytes => ` ${words(bytes, 2, word => word.toString(8).padStart(6, '0')).join(' ')}`],
      ['od -x', OD, bytes => ` ${words(bytes, 2, word => hex(word, 4)).join(' ')}`],
      ['od -t x4', OD, bytes => ` ${words(bytes, 4, word => hex(word, 8)).join(' ')}`],
      ['od -b', OD, bytes => ` ${bytesIn(8, 3, bytes).join(' ')}`],
      ['od -t u1', OD, bytes => ` ${bytesIn(10, 3, bytes).join(' ')}`],
      [
        'od -c',
        OD,
        bytes =>
          [...bytes].map(byte => (byte === 10 ? '\\n' : String.fromCharCode(byte)).padStart(4)).join(''),
      ],
    ] as const satisfies readonly (readonly [string, DumpForm, (bytes: Buffer, text: string) => string])[]
  ).map(([name, form, show]) =>
    inFile(`a dump of ${name}`, 'a.txt', s => dumped(`${prose(100)}${s}\n${prose(60)}`, show, form)),
  ),
  inFile('a dump of od -x whose lines end in CRLF', 'a.txt', s =>
    dumped(`${prose(100)}${s}\n`, bytes => ` ${words(bytes, 2, word => hex(word, 4)).join(' ')}\r`, OD),
  ),
  inFile(
    'an array as xxd -i writes it',
    'a.h',
    s =>
      `unsigned char a_txt[] = {\n${each(line(s), c => `0x${hex(c)}, `).replace(/(?:.{6}){1,12}/g, row => `  ${row.trimEnd()}\n`)}};\n`,
  ),
  inFile(
    'a list of hex bytes, one in a line',
    'a.go',
    s => `var t = []byte{\n${each(line(s), c => `\t\t0x${hex(c)},\n`)}}\n`,
  ),
  inFile(
    'hex bytes in JSON',
    'a.json',
    s => `[${[...s].map(char => `"0x${hex(char.charCodeAt(0))}"`).join(',')}]\n`,
  ),
  inFile(
    'hex bytes with dashes between',
    'a.txt',
    s => `key: ${Buffer.from(s).toString('hex').toUpperCase().match(/../g)?.join('-')}\n`,
  ),
  ...([' ', '; ', '\n'] as const).map(gap =>
    inFile(
      `decimal bytes with ${JSON.stringify(gap)} between`,
      'a.txt',
      s => `${[...Buffer.from(s)].join(gap)}\n`,
    ),
  ),
  inFile('octal escapes without zeros', 'a.sh', s => `printf '${each(s, c => `\\${c.toString(8)}`)}'\n`),
  ...['//', '///', '--', ' *'].map(mark =>
    inFile(`base64 in lines behind ${mark}`, 'a.txt', s =>
      wrapped(base64(`${prose(300)}${s}\n${prose(200)}`), 60).replace(/^/gm, `${mark} `),
    ),
  ),
  inFile('base32 in lines', 'a.txt', s => wrapped(base32(`${prose(100)}${s}\n`))),
  inFile('base85 of git and Python', 'a.py', s => `t = b85decode("${base85(line(s))}")\n`),
  inFile('base64 in ASCII after UTF-16', 'a.log', s =>
    Buffer.concat([wideText(prose(2_000), { mark: true }), Buffer.from(`data: ${base64(line(s))}\n`)]),
  ),
  inFile('URL escapes in ASCII after UTF-16', 'a.log', s =>
    Buffer.concat([wideText(prose(2_000), { mark: true }), Buffer.from(each(s, code => `%${hex(code)}`))]),
  ),
  inFile('base64 after a false byte-order mark', 'a.txt', s =>
    Buffer.concat([latin('\xff\xfe\0'), Buffer.from(`data: ${base64(line(s))}\n`)]),
  ),
  inFile('base32', 'a.txt', s => `otp: ${base32(line(s))}\n`),
  inFile('uuencode', 'a.uu', s => uuencoded(`${prose(80)}${line(s)}`)),
  inFile('Ascii85', 'a.txt', s => `<~${ascii85(Buffer.from(line(s)))}~>\n`),
  inFile('UTF-16 after ASCII of an odd length', 'a.log', s =>
    Buffer.concat([Buffer.from('odd'), wideText(line(s).repeat(3), {})]),
  ),
  inFile('UTF-16 after an extra byte', 'a.log', s =>
    Buffer.concat([wideText('the first line\n', { mark: true }), Buffer.from('\n'), wideText(line(s), {})]),
  ),
  inFile('UTF-16 in one order, then in the other', 'a.log', s =>
    Buffer.concat([wideText('the first line\n', { mark: true }), wideText(line(s), { big: true })]),
  ),
  ...(
    [
      ['gzip', gzipSync],
      ['zlib', deflateSync],
      ['zstd', zstdCompressSync],
      ['xz', (text: string) => packedBy('xz', text)],
      ['bzip2', (text: string) => packedBy('bzip2', text)],
    ] as const
  ).map(([name, packed]) => inFile(`${name} in a binary`, 'a.bin', s => amid(packed(line(s))))),
  inFile('zlib with a wrong checksum', 'a.z', s => {
    const packed = deflateSync(line(s))
    packed.writeUInt8((packed.at(-1) ?? 0) ^ 1, packed.length - 1)
    return packed
  }),
  inFile('gzip with a name, a comment and an extra field', 'a.gz', s => {
    const packed = gzipSync(line(s))
    packed.writeUInt8(4 | 8 | 16, 3)
    return Buffer.concat([packed.subarray(0, 10), latin('\x02\0ab'), latin('n\0c\0'), packed.subarray(10)])
  }),
  inFile('zip that claims to be encrypted', 'a.zip', s =>
    liedAbout(`${prose(300)}${line(s)}`, archive => archive.writeUInt16LE(1, 6)),
  ),
  inFile('zip that claims to be stored', 'a.zip', s =>
    liedAbout(`${prose(300)}${line(s)}`, archive => archive.writeUInt16LE(0, 8)),
  ),
  inFile('a picture with a compressed comment', 'a.png', s =>
    png('zTXt', Buffer.concat([latin('Comment\0\0'), deflateSync(`token ${s}`)])),
  ),
  inFile(
    'a picture with a compressed comment in a data URI',
    'a.css',
    s =>
      `a { background: url(data:image/png;base64,${base64(png('zTXt', Buffer.concat([latin('Comment\0\0'), deflateSync(`token ${s}`)])))}) }\n`,
  ),
  inFile('a PDF as ReportLab writes it', 'a.pdf', s =>
    Buffer.concat([
      Buffer.from('%PDF-1.4\n1 0 obj\n<< /Filter [ /ASCII85Decode /FlateDecode ] >>\nstream\n'),
      Buffer.from(`${ascii85(deflateSync(`BT (${s}) Tj ET`))}~>endstream\n`),
    ]),
  ),
  {
    name: 'a bundle of git',
    async make(work) {
      const secret = githubToken()
      await work.git('checkout', '--quiet', '-b', 'side')
      await work.write('app.ts', `${prose(500)}${line(secret)}`)
      await work.commit('Side')
      await work.git('checkout', '--quiet', 'main')
      await work.git('bundle', 'create', '--quiet', 'side.bundle', 'side')
      await work.commit('Bundle')
      return onMain(secret)
    },
  },
  inFile('gzip', 'a.gz', s => gzipSync(line(s))),
  inFile('gzip under another name', 'a.txt', s => gzipSync(line(s))),
  inFile('gzip of two members', 'a.gz', s => Buffer.concat([gzipSync('first\n'), gzipSync(line(s))])),
  inFile('truncated gzip', 'a.gz', s => gzipSync(`${line(s)}${prose(50_000)}`).subarray(0, -5_000)),
  inFile('gzip of 10 MB, at its end', 'a.gz', s => gzipSync(`${prose(10_000_000)}${line(s)}`)),
  inFile('zlib', 'a.z', s => deflateSync(line(s))),
  inFile("one of git's own objects", 'objects/ab/cdef', s =>
    deflateSync(`blob ${line(s).length}\0${line(s)}`),
  ),
  inFile('zstd', 'a.zst', s => zstdCompressSync(line(s))),
  inFile('bzip2', 'a.bz2', s => packedBy('bzip2', line(s))),
  inFile('xz', 'a.xz', s => packedBy('xz', line(s))),
  inFile('xz under another name', 'a.dat', s => packedBy('xz', `${prose(300_000)}${line(s)}`)),
  inFile('zip', 'a.zip', s => zip({ 'src/app.ts': line(s) })),
  inFile('zip under another name', 'a.dat', s => zip({ 'app.ts': line(s) })),
  inFile('zip without compression', 'a.zip', s => zip({ 'app.ts': line(s) }, { stored: true })),
  inFile('zip in zip in zip', 'a.zip', s => zip({ 'b.zip': zip({ 'c.zip': zip({ 'app.ts': line(s) }) }) })),
  inFile('an entry that its zip does not list', 'a.zip', s =>
    Buffer.concat([zip({ 'app.ts': line(s) }, { directory: false }), zip({ 'README.md': 'nothing here\n' })]),
  ),
  inFile('a zip after a picture', 'a.png', s =>
    Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), binary, zip({ a: line(s) })]),
  ),
  inFile('an Office document', 'a.docx', s => zip({ 'word/document.xml': `<w:t>${s}</w:t>` })),
  inFile('a Java archive in a zip', 'a.war', s =>
    zip({ 'lib/a.jar': zip({ 'application.properties': `token=${s}\n` }) }),
  ),
  inFile('tar', 'a.tar', s => tar({ 'app.ts': line(s), b: 'b' })),
  inFile('tar.gz', 'a.tgz', s => gzipSync(tar({ 'app.ts': line(s) }))),
  inFile('tar.xz', 'a.txz', s => packedBy('xz', tar({ 'app.ts': line(s) }))),
  inFile('tar.bz2', 'a.tbz', s => packedBy('bzip2', tar({ 'app.ts': line(s) }))),
  inFile('a zip in a tar in gzip', 'a.tgz', s => gzipSync(tar({ 'a.zip': zip({ 'app.ts': line(s) }) }))),
  ...(
    [
      ['a tar.gz', 'k.tgz', text => gzipSync(tar({ 'README.md': prose(700), 'deploy/k.yaml': text }))],
      ['a tar', 'k.tar', text => tar({ 'deploy/k.yaml': text })],
      ['gzip', 'k.yaml.gz', text => gzipSync(text)],
      ['gzip that names it', 'backup.dat', text => gzipOf('k.yaml', text)],
      ['a zip', 'ks.zip', text => zip({ 'k.yaml': text })],
      [
        'a zip without compression',
        'ks.zip',
        text => zip({ 'a.md': 'a\n', 'k.yaml': text }, { stored: true }),
      ],
    ] as const satisfies readonly (readonly [string, string, (text: string) => Buffer])[]
  ).map(([name, path, pack]) =>
    inFile(`a Kubernetes secret in ${name}`, path, s => pack(kubernetes(s)), anyKey),
  ),
  ...(
    [
      ['a tar.gz', 'c.tgz', store => gzipSync(tar({ 'c.p12': store }))],
      ['a zip without compression', 'c.zip', store => zip({ 'c.p12': store }, { stored: true })],
    ] as const satisfies readonly (readonly [string, string, (store: Buffer) => Buffer])[]
  ).map(([name, path, pack]) =>
    inFile(
      `a key store in ${name}`,
      path,
      s => pack(Buffer.concat([binary, Buffer.from(s), binary])),
      anyKey,
    ),
  ),
  inFile('gzip in base64', 'a.txt', s => `payload: ${base64(gzipSync(line(s)))}\n`),
  inFile('zip in base64 in lines', 'a.txt', s =>
    wrapped(base64(zip({ 'app.ts': `${prose(500)}${line(s)}` }))),
  ),
  inFile('xz in base64', 'a.txt', s => base64(packedBy('xz', line(s)))),
  inFile('UTF-16 in gzip', 'a.gz', s => gzipSync(wideText(line(s), { mark: true }))),
  inFile('UTF-16 in a zip in base64', 'a.txt', s =>
    base64(zip({ 'a.reg': wideText(line(s), { mark: true }) })),
  ),
  inFile('base64 in UTF-16', 'a.txt', s => wideText(`x: ${base64(line(s))}\n`, { mark: true })),
  inFile('hex of gzip', 'a.txt', s => gzipSync(line(s)).toString('hex')),
  inFile('a compressed stream of a PDF', 'a.pdf', s =>
    Buffer.concat([
      Buffer.from('%PDF-1.7\n1 0 obj\n<< >>\nstream\n'),
      deflateSync(`(${s}) Tj\n`),
      Buffer.from('\nendstream\n'),
    ]),
  ),
]

/** Secrets that no scan decodes, by their nature or because the cost is too high; docs/scan.md gives the reasons. */
export const residue: readonly Case[] = [
  inFile('split over two strings', 'a.js', s => `const t = "${s.slice(0, 12)}" + "${s.slice(12)}"\n`),
  inFile('reversed', 'a.js', s => `const t = "${[...s].reverse().join('')}"\n`),
  inFile('a cipher', 'a.txt', s => each(s, c => String.fromCharCode(c ^ 1))),
  inFile('UTF-7', 'a.txt', s => `token ${s.replace('_', '+AF8-')}\n`),
  inFile('brotli', 'a.br', s => brotliCompressSync(`${prose(2000)}${line(s)}`)),
  inFile('deflate without a header', 'a.dat', s => deflateRawSync(`${prose(2000)}${line(s)}`)),
]
