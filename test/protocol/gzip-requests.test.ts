import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pktLine } from '../../container/git/pkt-line.ts'
import { body, packOf, send, ZERO } from '../grants/wire.ts'
import type { Clone } from '../harness/clone.ts'
import { type Agent, type Gate, seconds, startGate } from '../harness/index.ts'

const MIB = 1 << 20
const MAX_PUSH_BYTES = 4 * MIB

let gate: Gate
let ada: Agent
let work: Clone
beforeAll(async () => {
  gate = await startGate({ settings: { GATE_MAX_PUSH_BYTES: String(MAX_PUSH_BYTES) } })
  ada = await gate.agent('ada', { push: ['ada/**'] })
  work = await ada.clone()
})
afterAll(() => gate?.[Symbol.asyncDispose]())

describe('a push in gzip, as JGit sends it', () => {
  /** Returns the request that pushes a new commit, before compression. */
  const request = async (name: string, content: Buffer | string = `${name}\n`) => {
    await work.text(['reset', '-q', '--hard', 'origin/main'])
    const commit = await work.commit(name, { [`${name}.txt`]: content })
    return body([[ZERO, commit, `refs/heads/ada/${name}`]], await packOf(work, 'HEAD', '^origin/main'))
  }
  const post = async (bytes: Buffer, coding = 'gzip') => {
    const { status, report, shown } = await send(gate, ada, bytes, {
      headers: { 'content-encoding': coding },
    })
    return { status, said: `${report.join('\n')}\n${shown}` }
  }
  const refused = async (name: string, bytes: Buffer, words: RegExp) => {
    const { status, said } = await post(bytes)
    expect(status).toBe(200)
    expect(said).toMatch(words)
    expect(await gate.upstream.ref(`refs/heads/ada/${name}`)).toBeUndefined()
    await gate.ledger.until(({ outcome }) => outcome === 'refused')
    await gate.idle({ within: seconds(30) })
  }

  test.each(['gzip', 'x-gzip'])('%s: the push reaches upstream', async coding => {
    const bytes = await request(coding, randomBytes(200_000).toString('hex'))
    expect((await post(gzipSync(bytes), coding)).said).toContain(`ok refs/heads/ada/${coding}`)
    expect(await gate.upstream.ref(`refs/heads/ada/${coding}`)).toBe(await work.text(['rev-parse', 'HEAD']))
  })

  test('a body that is cut short is refused in words', async () => {
    const whole = gzipSync(await request('cut'))
    await refused('cut', whole.subarray(0, -4), /no whole gzip stream: unexpected end of file/)
    await refused('cut', whole.subarray(0, 40), /no whole gzip stream: unexpected end of file/)
  })

  test('a body with bytes after its end is refused in words', async () => {
    const whole = gzipSync(await request('more'))
    await refused('more', Buffer.concat([whole, Buffer.from('more')]), /no whole gzip stream/)
  })

  test('a body whose checksum is wrong is refused in words', async () => {
    const whole = Buffer.from(gzipSync(await request('sum')))
    whole.writeUInt8(whole.readUInt8(whole.length - 8) ^ 1, whole.length - 8)
    await refused('sum', whole, /no whole gzip stream: incorrect data check/)
  })

  test('a body that is not gzip is refused in words', async () => {
    await refused('plain', await request('plain'), /no whole gzip stream: incorrect header check/)
  })

  test('a body that unpacks to more than the limit of a push is refused', async () => {
    const bytes = await request('large', randomBytes(MAX_PUSH_BYTES + 1))
    await refused('large', gzipSync(bytes, { level: 1 }), /larger than 4194304 bytes/)
  })

  test('a body that unpacks to a hundred times its size and more is refused', async () => {
    const zeros = Buffer.alloc(64 * MIB, '0')
    await refused('zeros', gzipSync(zeros), /unpacks to more than 100 times its size/)
  })

  test('another content coding is refused', async () => {
    for (const coding of ['deflate', 'br', 'gzip, gzip'])
      expect((await post(gzipSync(await request('other')), coding)).status).toBe(415)
  })
})

describe('a fetch in gzip', () => {
  const post = (bytes: Buffer) =>
    send(gate, ada, bytes, {
      path: '/app.git/git-upload-pack',
      headers: {
        'content-type': 'application/x-git-upload-pack-request',
        'content-encoding': 'gzip',
        'git-protocol': 'version=2',
      },
    })
  const request = async (haves = '') =>
    Buffer.concat([
      pktLine('command=fetch'),
      Buffer.from('0001'),
      pktLine(`want ${await work.text(['rev-parse', 'origin/main'])}`),
      Buffer.from(haves),
      pktLine('done\n'),
      Buffer.from('0000'),
    ])

  test('it is served', async () => {
    const { body } = await post(gzipSync(await request()))
    expect(body.includes('PACK')).toBe(true)
  })

  test('a request that unpacks to a hundred times its size and more is refused in words', async () => {
    const have = pktLine(`have ${'1'.repeat(40)}\n`)
    const bytes = Buffer.concat([await request(), Buffer.alloc(16 * MIB, have)])
    const { body } = await post(gzipSync(bytes))
    expect(body.toString()).toMatch(/^....ERR git-gate: the request unpacks to more than 100 times its size$/)
  })

  test('a request that unpacks to more than 32 MiB is refused in words', async () => {
    const haves = randomBytes(20 * 680_000)
      .toString('hex')
      .replace(/.{40}/g, '0032have $&\n')
    const { body } = await post(gzipSync(await request(haves), { level: 1 }))
    expect(body.toString()).toMatch(/^....ERR git-gate: the request names more than 32 MiB of what it wants/)
  })

  test('a body that is cut short is refused in words', async () => {
    const { body } = await post(gzipSync(await request()).subarray(0, -4))
    expect(body.toString()).toMatch(/^....ERR git-gate: the request is no whole gzip stream/)
  })
})
