import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createClient } from '../../cli/client.ts'
import { projectRoot } from '../../local/worker/bundle.ts'
import { escapeInvisible } from '../../src/contract/text/invisible-characters.ts'
import { startAdminGate } from '../api/fixtures/admin-gate.ts'
import { insertPush } from '../api/fixtures/recorded-pushes.ts'
import { gitGate } from './command.ts'

/** Starts a fake gate that sends a first line, then continues its response as given. */
async function startFakeGate(continueResponse: (response: ServerResponse) => void) {
  const server = createServer((_, response) => {
    response.write('{"id":"one"}\n')
    continueResponse(response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    settings: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 'x' },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}
const env = ({ url, token }: { url: string; token: string }) => ({ GATE_URL: url, GATE_ADMIN_TOKEN: token })

test('an export may take longer than the response timeout', async () => {
  const ANSWER_MS = 60_000
  let end = () => {}
  await using gate = await startFakeGate(response => {
    end = () => response.end('{"id":"two"}\n')
  })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  let text = ''
  for await (const piece of createClient(gate.settings, ANSWER_MS).pushes.export({})) {
    text += Buffer.from(piece).toString('utf8')
    vi.advanceTimersByTime(2 * ANSWER_MS)
    end()
  }
  expect(text).toBe('{"id":"one"}\n{"id":"two"}\n')
})

test('a gate that does not respond is reported after the timeout', async () => {
  const server = createServer(() => {}).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await expect(createClient({ url, token: 'x' }, 100).status()).rejects.toThrow(/no response within 0\.1 s/)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

test('an interrupted export is an error', async () => {
  await using gate = await startFakeGate(response => setImmediate(() => response.destroy()))
  const ran = await gitGate(['push', 'export'], { env: env(gate.settings) })
  expect(ran).toMatchObject({
    code: 1,
    stdout: '{"id":"one"}\n',
    stderr: expect.stringContaining('closed the connection during the export'),
  })
})

test('a closed pipe ends an export without an error, and a full disk is an error', async () => {
  await using gate = await startFakeGate(response => {
    const more = () => {
      while (response.write('x'.repeat(10_000)));
      response.once('drain', more)
    }
    more()
  })
  const into = async (shell: string) => {
    const child = spawn('sh', ['-c', shell, 'sh', `${projectRoot}/cli/git-gate`], {
      env: { PATH: process.env.PATH, HOME: '/nonexistent', ...env(gate.settings) },
    })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', chunk => {
      stderr += chunk
    })
    const [code] = await once(child, 'close')
    return { code, stderr }
  }
  expect(await into('{ "$1" push export; echo "exit $?" >&2; } | head -n 1')).toEqual({
    code: 0,
    stderr: 'exit 0\n',
  })
  expect(await into('"$1" push export >/dev/full')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/writing to stdout failed: .*no space/),
  })
})

test('JSON escapes what cannot be seen or would reorder a line, and is the same value when it is parsed', async () => {
  const hostile =
    'a\u007f\u0085\u009b31m\u061c\u200b\u200f\u2028\u202e\u2066\ufeff\ufff9\u{e0041}\u00ad\u3164\u001b]0;b\u0007\ttab é 漢 😀'
  await using gate = await startAdminGate()
  await insertPush(gate, 'one')
  const refs = [
    { ref: `refs/heads/${hostile}`, old: '0'.repeat(40), new: '1'.repeat(40), status: 'ng', reason: hostile },
  ]
  const record = {
    client_version: hostile,
    upstream_output: hostile,
    remote_lines: JSON.stringify([hostile]),
    refs: JSON.stringify(refs),
  }
  for (const [column, value] of Object.entries(record))
    await gate.ledger.prepare(`UPDATE pushes SET ${column} = ?`).bind(value).run()
  const run = async (...args: string[]) => {
    const { stdout } = await gitGate(args, { env: env({ url: gate.url, token: gate.adminToken }) })
    expect(stdout).toBe(escapeInvisible(stdout))
    expect(stdout).toContain('é 漢 😀')
    return JSON.parse(stdout)
  }
  expect(await run('push', 'list', '--json')).toMatchObject([{ refs: [{ reason: hostile }] }])
  expect(await run('push', 'show', 'one', '--json')).toMatchObject({
    upstreamOutput: hostile,
    remoteLines: [hostile],
  })
  expect(await run('push', 'export')).toMatchObject({ upstreamOutput: hostile, clientVersion: hostile })
  const missing = await gitGate(['push', 'show', '\u202eone', '--json'], {
    env: env({ url: gate.url, token: gate.adminToken }),
  })
  expect(missing.stderr).toBe(escapeInvisible(missing.stderr))
  expect(JSON.parse(missing.stderr)).toMatchObject({ error: { code: 'not-found' } })
})
