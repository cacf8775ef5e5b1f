import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { type Duplex, duplexPair } from 'node:stream'
import { expect, test } from 'vitest'
import { answerHook, readHookRequest } from '../../container/push/receive/pre-receive-channel.ts'

const ROOMS = path.join(import.meta.dirname, '../../container')
const LINE = `${'0'.repeat(40)} ${'1'.repeat(40)} refs/heads/a`

/** The hook as git runs it, with descriptor 3 as a socket; `answer` is what it is told. */
async function runHook(file: string, answer: string | undefined, lines: readonly string[] = [LINE]) {
  const child = spawn(path.join(ROOMS, file), {
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, GIT_OBJECT_DIRECTORY: '/q', GIT_ALTERNATE_OBJECT_DIRECTORIES: '/m' },
  })
  const socket = child.stdio[3] as Duplex
  const heard = readHookRequest(socket)
  child.stdin?.on('error', () => {}).end(lines.map(line => `${line}\n`).join(''))
  socket.on('error', () => {})
  if (file.endsWith('pre-receive')) await heard
  if (answer === undefined) socket.destroy()
  else socket.write(answer)
  const [code] = await once(child, 'close')
  socket.destroy()
  return { code, heard: await heard }
}

test.each([
  ['push/hooks/pre-receive', 'accept\n'],
  ['forward/hooks/pre-push', 'send\n'],
])('%s lets git go on at %j alone', async (file, word) => {
  expect((await runHook(file, word)).code).toBe(0)
  for (const other of ['refuse\n', '\n', `x${word}`, `${word.trim()} not\n`, undefined])
    expect((await runHook(file, other)).code, String(other)).not.toBe(0)
})

test('pre-receive hands over the quarantine, and each line of git’s list', async () => {
  expect((await runHook('push/hooks/pre-receive', 'refuse\n')).heard).toEqual({
    objectDirectory: '/q',
    alternates: '/m',
    lines: [LINE],
  })
})

test.each([19, 20, 21, 300])('pre-receive hands over %i lines as they are', async count => {
  const lines = Array.from({ length: count }, (_, i) => `${LINE}/\u00e9\\n-e *$x${i}`)
  expect((await runHook('push/hooks/pre-receive', 'refuse\n', lines)).heard?.lines).toEqual(lines)
})

test('what pre-receive says is heard as a whole, however it is cut', async () => {
  const ref = 'refs/heads/.\u00e9'
  const text = Buffer.from(`/q\n\n${LINE}\n${LINE}${ref}\n.\n`)
  for (let size = 1; size < 9; size++) {
    const [hook, companion] = duplexPair()
    const heard = readHookRequest(companion)
    for (let at = 0; at < text.length; at += size) hook.write(text.subarray(at, at + size))
    expect(await heard).toEqual({ objectDirectory: '/q', alternates: '', lines: [LINE, `${LINE}${ref}`] })
  }
})

test('a hook that ends before its last line has said nothing', async () => {
  for (const leave of [(hook: Duplex) => void hook.end(), (hook: Duplex) => void hook.destroy()]) {
    const [hook, companion] = duplexPair()
    const heard = readHookRequest(companion)
    hook.write(`/q\n\n${LINE}\n`)
    leave(hook)
    expect(await heard).toBeUndefined()
  }
})

test('a hook is answered with its verdict, and one that has gone with nothing', async () => {
  const [hook, companion] = duplexPair()
  answerHook(companion, 'refuse')
  expect(String(await once(hook, 'data'))).toBe('refuse\n')
  companion.destroy()
  answerHook(companion, 'accept')
})
