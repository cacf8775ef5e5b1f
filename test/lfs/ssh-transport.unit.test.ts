import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { run } from '../../container/process/spawn.ts'
import { createLfsUpstreams, NoLfs } from '../../container/upstream/lfs-server/index.ts'
import { encodeRequest } from '../../container/upstream/lfs-server/over-ssh/messages.ts'
import { openLfsSession } from '../../container/upstream/lfs-server/over-ssh/open-session.ts'
import type { Link } from '../../container/upstream/link.ts'
import { UpstreamError } from '../../container/upstream/upstream-error.ts'
import { upstreamOf } from '../harness/hosts/upstream-of.ts'
import { megabytes } from '../harness/units.ts'
import { sha256 } from './client.ts'
import type { TransferFault } from './scripted-transfer.ts'

const upstream = upstreamOf()
const objectOf = (bytes: Buffer) => ({ oid: sha256(bytes), size: bytes.length })
const soon = () => AbortSignal.timeout(30_000)

/** An upstream whose git-lfs-transfer is this command, or a scripted server with a fault. */
function stage(fault: TransferFault | { command: string } = 'none') {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'gate-transfer-'))
  const children: ReturnType<typeof spawn>[] = []
  const released: unknown[] = []
  const server = path.join(import.meta.dirname, 'scripted-transfer.ts')
  const command =
    typeof fault === 'object' ? ['sh', '-c', fault.command] : [process.execPath, server, folder, fault]
  const link = {
    async acquire() {
      let isTransfer = false
      return {
        git: { env: {} },
        authenticateLfs: async () => ({
          code: 127,
          signal: null,
          stdout: Buffer.alloc(0),
          stderr: 'sh: git-lfs-authenticate: not found\n',
        }),
        startLfsTransfer() {
          const [program = '', ...args] = command
          const child = spawn(program, args, { detached: true, stdio: 'pipe' })
          isTransfer = true
          children.push(child)
          return child
        },
        release: (how?: object) => void (isTransfer && released.push(how)),
      }
    },
  } as unknown as Link
  const credentials = { tokenFor: () => Promise.reject(new Error('not over SSH')), refused: () => {} }
  const ended = () =>
    Promise.all(
      children.map(
        child => child.exitCode ?? child.signalCode ?? new Promise(done => child.once('exit', done)),
      ),
    )
  return {
    link,
    children,
    released,
    ended,
    lfs: createLfsUpstreams({ linkTo: async () => link, credentials, forwardMs: 10_000 }).to(upstream),
    put: (bytes: Buffer) => writeFileSync(path.join(folder, sha256(bytes)), bytes),
    objects: () => readdirSync(folder),
    [Symbol.dispose]() {
      for (const child of children) child.kill('SIGKILL')
      rmSync(folder, { recursive: true })
    },
  }
}

const chunksOf = (bytes: Buffer) => () =>
  Readable.from(
    Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, i) =>
      bytes.subarray(i * 65_536, (i + 1) * 65_536),
    ),
  )

test('an object goes up, is verified, and comes down, over a session for each operation', async () => {
  using at = stage()
  const bytes = megabytes(1)
  const object = objectOf(bytes)
  expect(await at.lfs.query('upload', [object], soon())).toEqual([{ ...object, isPresent: false }])
  await at.lfs.upload(object, chunksOf(bytes), soon())
  await at.lfs.upload(objectOf(Buffer.from('two')), chunksOf(Buffer.from('two')), soon())
  expect(await at.lfs.query('download', [object], soon())).toEqual([{ ...object, isPresent: true }])
  expect((await buffer(await at.lfs.download(object, soon()))).equals(bytes)).toBe(true)
  expect(at.children).toHaveLength(2)
})

test.each([
  ['dies', /ended in the middle of its work .*try again later/, true],
  ['odd', /answers in a way that cannot be read/, true],
  ['refuses', /answers with 422: the quota is used up/, false],
] as const)(
  'a fault of the server in the middle of an upload ends it, and upstream has nothing: %s',
  async (fault, words, isCut) => {
    using at = stage(fault)
    const bytes = megabytes(4)
    const sent = at.lfs.upload(objectOf(bytes), chunksOf(bytes), soon())
    await expect(sent).rejects.toThrow(words)
    await at.ended()
    expect(at.objects()).toEqual([])
    await expect.poll(() => at.released).toEqual([{ broken: isCut && fault !== 'dies' }])
  },
)

test.each([
  ['dies', /ended in the middle of its work .*try again later/],
  ['odd', /answers in a way that cannot be read/],
  ['refuses', /answers with 404: the object is locked away/],
] as const)('a fault of the server in the middle of a download ends it: %s', async (fault, words) => {
  using at = stage(fault)
  const bytes = megabytes(1)
  at.put(bytes)
  const received = at.lfs.download(objectOf(bytes), soon()).then(body => buffer(body))
  await expect(received).rejects.toThrow(words)
  await at.ended()
})

test('a silent server is left after its time, and a client that goes away is not waited for', async () => {
  using at = stage('silent')
  const bytes = megabytes(1)
  at.put(bytes)
  const request = encodeRequest(`get-object ${sha256(bytes)}`, { size: bytes.length, token: 'given' })
  const session = await openLfsSession(at.link, upstream, 'download', soon(), 2_000)
  await expect(session.get(request).then(body => buffer(body))).rejects.toThrow(/it does not answer/)
  await at.ended()

  const gone = new AbortController()
  const body = await at.lfs.download(objectOf(bytes), gone.signal)
  gone.abort(new Error('gone'))
  await expect(buffer(body)).rejects.toThrow('gone')
  await at.ended()
  await expect.poll(() => at.released).toEqual([{ broken: true }, { broken: true }])
})

test('a reader that stops in the middle of an object ends its session', async () => {
  using at = stage()
  const bytes = megabytes(4)
  at.put(bytes)
  for await (const chunk of await at.lfs.download(objectOf(bytes), soon())) if (chunk.length > 0) break
  await at.ended()
  await expect.poll(() => at.released).toEqual([{ broken: true }])
})

test('at most eight sessions serve any number of transfers', async () => {
  using at = stage()
  const all = Array.from({ length: 30 }, (_, i) => Buffer.from(`object ${i}`))
  await Promise.all(all.map(bytes => at.lfs.upload(objectOf(bytes), chunksOf(bytes), soon())))
  expect(at.objects()).toHaveLength(30)
  expect(at.children.length).toBeLessThanOrEqual(8)
  const down = all.map(async bytes => String(await buffer(await at.lfs.download(objectOf(bytes), soon()))))
  expect(await Promise.all(down)).toEqual(all.map(String))
})

test('an upstream that knows neither command has no Git LFS; another failure is told', async () => {
  const query = async (command: string) => {
    using at = stage({ command })
    return at.lfs.query('download', [objectOf(Buffer.from('x'))], soon()).catch((error: unknown) => error)
  }
  expect(await query('echo "fatal: unrecognized command" >&2; exit 128')).toBeInstanceOf(NoLfs)
  expect(await query('echo "sh: git-lfs-transfer: not found" >&2; exit 127')).toBeInstanceOf(NoLfs)
  const failed = await query('echo "Connection reset by peer" >&2; exit 255')
  expect(failed).toBeInstanceOf(UpstreamError)
  expect(failed).not.toBeInstanceOf(NoLfs)
  expect(String(failed)).toContain('cannot be reached')
})

test('a command that is missing at upstream is not taken for a missing ssh', async () => {
  const options = { cwd: '/', env: { PATH: process.env.PATH ?? '' }, signal: soon() }
  // A host's shell answers so to git-lfs-authenticate, and ssh exits with its code.
  const missing = run('sh', ['-c', 'exit 127'], { ...options, relaysExitCode: true })
  expect(await missing).toMatchObject({ code: 127 })
  await expect(run('sh', ['-c', 'exit 127'], options)).rejects.toThrow('could not be started')
})
