import { spawnSync } from 'node:child_process'
import { crc32, deflateRawSync, deflateSync } from 'node:zlib'

interface ZipOptions {
  /** Leave out the directory at the end, as a broken or a crafted archive does. */
  readonly directory?: boolean
  readonly stored?: boolean
}

/** A zip archive of these files (APPNOTE 4.3). */
export function zip(
  files: Readonly<Record<string, string | Buffer>>,
  { directory = true, stored = false }: ZipOptions = {},
): Buffer {
  const locals: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const [name, content] of Object.entries(files)) {
    const plain = Buffer.from(content)
    const data = stored ? plain : deflateRawSync(plain)
    const about = Buffer.alloc(26)
    about.writeUInt16LE(20, 0)
    about.writeUInt16LE(stored ? 0 : 8, 4)
    about.writeUInt32LE(crc32(plain), 10)
    about.writeUInt32LE(data.length, 14)
    about.writeUInt32LE(plain.length, 18)
    about.writeUInt16LE(Buffer.byteLength(name), 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), about, Buffer.from(name), data])
    const where = Buffer.alloc(14)
    where.writeUInt32LE(offset, 10)
    central.push(
      Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 0]), about, where, Buffer.from(name)]),
    )
    locals.push(local)
    offset += local.length
  }
  const listing = Buffer.concat(central)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 0, 'latin1')
  end.writeUInt16LE(central.length, 8)
  end.writeUInt16LE(central.length, 10)
  end.writeUInt32LE(listing.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, ...(directory ? [listing, end] : [])])
}

/** A tar archive of these files (POSIX ustar). */
export function tar(files: Readonly<Record<string, string | Buffer>>): Buffer {
  const parts: Buffer[] = []
  for (const [name, content] of Object.entries(files)) {
    const data = Buffer.from(content)
    const header = Buffer.alloc(512)
    header.write(name, 0)
    header.write('0000644\x000000000\x000000000\0', 100, 'latin1')
    header.write(`${data.length.toString(8).padStart(11, '0')}\0${'0'.repeat(11)}\0        0`, 124, 'latin1')
    header.write('ustar\x0000', 257, 'latin1')
    const sum = header.reduce((a, b) => a + b, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    parts.push(header, data, Buffer.alloc((512 - (data.length % 512)) % 512))
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)])
}

/** What a command line tool makes of `content`; the tool has to be installed. */
export function packedBy(tool: 'xz' | 'bzip2', content: string | Buffer, ...how: string[]): Buffer {
  const done = spawnSync(tool, ['--stdout', '--compress', ...how], { input: content, maxBuffer: 256 << 20 })
  if (done.status !== 0) throw new Error(`${tool} is needed for this test: ${done.error ?? done.stderr}`)
  return done.stdout
}

export function wide(text: string, { bits = 16, big = false, mark = false }): Buffer {
  const size = bits / 8
  const points = [...(mark ? '\ufeff' : ''), ...text].map(char => char.codePointAt(0) ?? 0)
  const out = Buffer.alloc(points.length * size)
  points.forEach((point, i) => {
    if (big) out.writeUIntBE(point, i * size, size)
    else out.writeUIntLE(point, i * size, size)
  })
  return out
}

/** A small picture with a chunk of text in it (PNG, third edition, 11.3.3). */
export function png(kind: string, text: Buffer): Buffer {
  const chunk = (name: string, data: Buffer) => {
    const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
    const named = Buffer.concat([Buffer.from(name), data])
    size.writeUInt32BE(data.length)
    sum.writeUInt32BE(crc32(named))
    return Buffer.concat([size, named, sum])
  }
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0])),
    chunk(kind, text),
    chunk('IDAT', deflateSync(Buffer.alloc(4))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}
