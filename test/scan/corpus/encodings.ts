import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { packedBy, tar, wide, zip } from '../archives.ts'
import type { Case } from '../corpus.ts'
import { privateKey, prose } from '../fakes.ts'
import { inFile } from './content.ts'

const line = (secret: string) => `export const token = "${secret}"\n`
const base64 = (content: string | Buffer) => Buffer.from(content).toString('base64')
const wrapped = (text: string, width = 76) => text.replace(new RegExp(`(.{${width}})`, 'g'), '$1\n')
const each = (text: string, form: (code: number) => string) =>
  [...text].map(char => form(char.charCodeAt(0))).join('')
const hex = (code: number, digits = 2) => code.toString(16).padStart(digits, '0')
const binary = Buffer.from(Array.from({ length: 300 }, (_, i) => (i * 73 + 128) % 256))

/** Text that a scanner of plain text does not see. */
export const caughtEncodings: readonly Case[] = [
  inFile('UTF-16 LE with a mark', 'a.reg', s => wide(`first\n${line(s)}`, { mark: true })),
  inFile('UTF-16 BE with a mark', 'a.reg', s => wide(line(s), { big: true, mark: true })),
  inFile('UTF-16 LE without a mark', 'a.reg', s => wide(line(s), {})),
  inFile('UTF-16 BE without a mark', 'a.reg', s => wide(line(s), { big: true })),
  inFile('UTF-32 LE', 'a.txt', s => wide(line(s), { bits: 32 })),
  inFile('UTF-32 BE with a mark', 'a.txt', s => wide(line(s), { bits: 32, big: true, mark: true })),
  inFile('UTF-16 in another script', 'a.txt', s =>
    wide(`ключ доступа к базе данных: ${s} и ещё немного текста\n`, {}),
  ),
  inFile('UTF-16 in a binary', 'a.dll', s => Buffer.concat([binary, wide(s, {}), binary])),
  inFile('UTF-16 BE in a binary, at an odd offset', 'a.dll', s =>
    Buffer.concat([binary, Buffer.from([1]), wide(s, { big: true }), Buffer.from([0, 0]), binary]),
  ),
  inFile('base64', 'a.yml', s => `data: ${base64(line(s))}\n`),
  inFile('base64 for URLs', 'a.yml', s => `data: ${Buffer.from(`??>>${line(s)}`).toString('base64url')}\n`),
  inFile('base64 in lines', 'a.txt', s => wrapped(base64(`${prose(300)}${s}\n${prose(200)}`))),
  inFile('base64 in lines that end in CRLF', 'a.eml', s =>
    wrapped(base64(`${prose(300)}${s}\n${prose(200)}`)).replaceAll('\n', '\r\n'),
  ),
  inFile('base64 of base64 of base64', 'a.txt', s => base64(base64(base64(line(s))))),
  inFile(
    'base64 of UTF-16, as PowerShell takes it',
    'a.ps1',
    s => `powershell -enc ${base64(wide(`$t = '${s}'`, {}))}\n`,
  ),
  inFile('base64 in a data URI', 'a.html', s => `<img src="data:text/plain;base64,${base64(line(s))}">\n`),
  inFile('base64 behind letters of its own', 'a.txt', s => `prefix/${base64(line(s))}\n`),
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
  inFile('HTML entities in hex', 'a.html', s => `<p>${each(s, c => `&#x${hex(c)};`)}</p>\n`),
  inFile(
    'JSON in JSON in JSON',
    'a.json',
    s => JSON.stringify({ a: JSON.stringify({ b: JSON.stringify({ key: s }) }) }),
    privateKey,
  ),
  inFile('gzip', 'a.gz', s => gzipSync(line(s))),
  inFile('gzip under another name', 'a.txt', s => gzipSync(line(s))),
  inFile('gzip of two members', 'a.gz', s => Buffer.concat([gzipSync('first\n'), gzipSync(line(s))])),
  inFile('gzip that is cut off', 'a.gz', s => gzipSync(`${line(s)}${prose(50_000)}`).subarray(0, -5_000)),
  inFile('gzip of 30 MB, at its end', 'a.gz', s => gzipSync(`${prose(30_000_000)}${line(s)}`)),
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
  inFile('a zip behind a picture', 'a.png', s =>
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
  inFile('gzip in base64', 'a.txt', s => `payload: ${base64(gzipSync(line(s)))}\n`),
  inFile('zip in base64 in lines', 'a.txt', s =>
    wrapped(base64(zip({ 'app.ts': `${prose(500)}${line(s)}` }))),
  ),
  inFile('xz in base64', 'a.txt', s => base64(packedBy('xz', line(s)))),
  inFile('UTF-16 in gzip', 'a.gz', s => gzipSync(wide(line(s), { mark: true }))),
  inFile('UTF-16 in a zip in base64', 'a.txt', s => base64(zip({ 'a.reg': wide(line(s), { mark: true }) }))),
  inFile('base64 in UTF-16', 'a.txt', s => wide(`x: ${base64(line(s))}\n`, { mark: true })),
  inFile('hex of gzip', 'a.txt', s => gzipSync(line(s)).toString('hex')),
  inFile('a compressed stream of a PDF', 'a.pdf', s =>
    Buffer.concat([
      Buffer.from('%PDF-1.7\n1 0 obj\n<< >>\nstream\n'),
      deflateSync(`(${s}) Tj\n`),
      Buffer.from('\nendstream\n'),
    ]),
  ),
]

/** What no scan sees, by its nature or at a price that is not worth it; docs/scan.md says why. */
export const residue: readonly Case[] = [
  inFile('split over two strings', 'a.js', s => `const t = "${s.slice(0, 12)}" + "${s.slice(12)}"\n`),
  inFile('reversed', 'a.js', s => `const t = "${[...s].reverse().join('')}"\n`),
  inFile('a cipher', 'a.txt', s => each(s, c => String.fromCharCode(c ^ 1))),
  inFile('brotli', 'a.br', s => brotliCompressSync(`${prose(2000)}${line(s)}`)),
  inFile('deflate without a header', 'a.dat', s => deflateRawSync(`${prose(2000)}${line(s)}`)),
]
