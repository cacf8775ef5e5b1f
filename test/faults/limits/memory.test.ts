import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { deflateSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { body, send, ZERO } from '../../grants/wire.ts'
import type { Clone } from '../../harness/clone.ts'
import { type Agent, accepted, type Gate, seconds, startGate } from '../../harness/index.ts'

const MIB = 1 << 20
const LIMIT = 256 * MIB

let gate: Gate
let ada: Agent
let work: Clone
beforeAll(async () => {
  gate = await startGate({ settings: { GATE_GIT_MEMORY_BYTES: String(LIMIT) } })
  ada = await gate.agent('ada', { push: ['ada/**'] })
  work = await ada.clone()
})
afterAll(() => gate?.[Symbol.asyncDispose]())

const types = { commit: 1, tree: 2, blob: 3, refDelta: 7 } as const
type Kind = Exclude<keyof typeof types, 'refDelta'>

/** Encodes an entry of a pack (gitformat-pack(5)). */
function entry(type: keyof typeof types, content: Buffer, base = ''): Buffer {
  const head: number[] = []
  let size = content.length
  let byte = (types[type] << 4) | (size & 15)
  for (size >>>= 4; size; size >>>= 7) {
    head.push(byte | 0x80)
    byte = size & 0x7f
  }
  return Buffer.concat([Buffer.from([...head, byte]), Buffer.from(base, 'hex'), deflateSync(content)])
}

const idOf = (type: Kind, content: Buffer) =>
  createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest('hex')

function pack(entries: readonly Buffer[]): Buffer {
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0')
  head.writeUInt32BE(entries.length, 8)
  const whole = Buffer.concat([head, ...entries])
  return Buffer.concat([whole, createHash('sha1').update(whole).digest()])
}

const tree = (mode: string, name: string, id: string) =>
  Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')])

async function commit(treeId: string): Promise<Buffer> {
  const who = 'A <a@example.com> 1700000000 +0000'
  const parent = await work.text(['rev-parse', 'origin/main'])
  return Buffer.from(`tree ${treeId}\nparent ${parent}\nauthor ${who}\ncommitter ${who}\n\nMade\n`)
}

/** Pushes a commit of this tree. Returns the client's output, and the report. */
async function post(name: string, treeId: string, entries: readonly Buffer[]): Promise<string> {
  const made = await commit(treeId)
  const list = body(
    [[ZERO, idOf('commit', made), `refs/heads/ada/${name}`]],
    pack([entry('commit', made), ...entries]),
  )
  const { report, shown } = await send(gate, ada, list)
  return `${shown}\n${report.join('\n')}`
}

/** Encodes a size as in a delta. */
function deltaSize(size: number): Buffer {
  const bytes: number[] = []
  for (; size > 0x7f; size = Math.floor(size / 128)) bytes.push((size & 0x7f) | 0x80)
  return Buffer.from([...bytes, size])
}

/** Measures the largest memory of a git process of this gate, in bytes, until stopped. */
function watchGit() {
  let most = 0
  const look = () => {
    for (const pid of fs.readdirSync('/proc').filter(name => /^\d+$/.test(name)))
      try {
        if (!fs.readlinkSync(`/proc/${pid}/cwd`).startsWith(gate.companion.home)) continue
        const peak = /^VmHWM:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
        most = Math.max(most, Number(peak ?? 0) * 1024)
      } catch {
        // the process has ended
      }
  }
  const timer = setInterval(look, 10)
  return {
    get most() {
      return most
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}

test('a delta that expands to gigabytes is refused as the push’s fault, within the memory limit', async () => {
  const base = Buffer.alloc(0xffffff)
  const copies = 160
  const delta = Buffer.concat([
    deltaSize(base.length),
    deltaSize(base.length * copies),
    ...Array.from({ length: copies }, () => Buffer.from([0xf0, 0xff, 0xff, 0xff])),
  ])
  const id = idOf('blob', base)
  const root = tree('100644', 'zeros.bin', id)
  using git = watchGit()
  const said = await post('delta', idOf('tree', root), [
    entry('tree', root),
    entry('blob', base),
    entry('refDelta', delta, id),
  ])
  expect(said).toContain(
    'ng refs/heads/ada/delta git-gate: git needs more than 256 MiB of memory to unpack this push',
  )
  expect(said).toContain('leave it out, or keep it in Git LFS')
  expect(said).not.toContain("gate's fault")
  expect(git.most).toBeLessThan(LIMIT)
  await gate.idle({ within: seconds(30) })
})

const nested = (depth: number) => {
  const blob = Buffer.from(`${depth}\n`)
  const entries = [entry('blob', blob)]
  let content = tree('100644', 'f', idOf('blob', blob))
  for (let i = 0; i < depth; i++) {
    entries.push(entry('tree', content))
    content = tree('40000', 'a', idOf('tree', content))
  }
  return { id: idOf('tree', content), entries: [...entries, entry('tree', content)] }
}

test.each([
  [3_000, /a path in it is longer than 4096 bytes or deeper than 512 folders/],
  [30_000, /too long or too deep/],
])('folders nested %i deep are refused as the push’s fault', async (depth, words) => {
  const { id, entries } = nested(depth)
  const said = await post(`deep-${depth}`, id, entries)
  expect(said).toMatch(words)
  expect(said).toContain(`ng refs/heads/ada/deep-${depth} git-gate: the push is too large`)
  expect(said).not.toContain("gate's fault")
})

test('folders nested to an ordinary depth are accepted', async () => {
  const { id, entries } = nested(200)
  expect(await post('nested', id, entries)).toContain('ok refs/heads/ada/nested')
})

test('files of ordinary sizes are accepted within the memory limit, also as deltas', async () => {
  const content = Buffer.alloc(20 * MIB, 'A line of a file that is much like the next one.\n')
  await work.commit('Large', { 'large.txt': content })
  content.write('changed', 5_000_000)
  await work.commit('Changed', { 'large.txt': content })
  expect(await work.push('HEAD:ada/large')).toMatchObject(accepted)
  expect((await (await ada.clone()).git(['fetch', 'origin', 'ada/large'])).code).toBe(0)
})

test('every git process has the memory limit', async () => {
  gate.upstream.hook('pre-receive', 'sleep 2')
  await work.commit('Slow', { 'slow.txt': 'slow\n' })
  const push = work.push('HEAD:ada/slow')
  await push.until(/forwarding/)
  const limits = fs
    .readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(pid => {
      try {
        if (!fs.readlinkSync(`/proc/${pid}/cwd`).startsWith(gate.companion.home)) return []
        return (
          /^Max data size\s+(\d+|unlimited)/m.exec(fs.readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1] ?? []
        )
      } catch {
        return []
      }
    })
  gate.upstream.hook('pre-receive')
  expect(await push).toMatchObject(accepted)
  expect(limits.length).toBeGreaterThan(2)
  expect(new Set(limits)).toEqual(new Set([String(LIMIT)]))
})
