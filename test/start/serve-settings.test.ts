import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { stateFolder } from './launcher.ts'

const root = path.resolve(import.meta.dirname, '../..')
const KEYS = { GATE_PASS_KEY: 'k'.repeat(32), GATE_ADMIN_TOKEN: 't'.repeat(32) }

const serve = (script: string, env: Record<string, string>) =>
  promisify(execFile)(process.execPath, [script], {
    cwd: root,
    env: { PATH: process.env.PATH, ...KEYS, ...env },
  }).then(
    () => ({ code: 0, stderr: '' }),
    ({ code, stderr }) => ({ code, stderr }),
  )

test('serve-containers and serve-worker end with one line for a folder or a setting that they cannot use', async () => {
  using home = stateFolder()
  const file = path.join(home.dir, 'file')
  fs.writeFileSync(file, '')
  const open = path.join(home.dir, 'open')
  fs.mkdirSync(open)
  fs.writeFileSync(path.join(open, 'keys.json'), '')
  fs.chmodSync(open, 0o777)
  const [isFile, isOpen, isMisspelt] = await Promise.all([
    serve('local/serve-containers.ts', { GATE_HOME: file }),
    serve('local/serve-worker.ts', { GATE_HOME: open, GATE_COMPANION_URL: 'http://127.0.0.1:9' }),
    serve('local/serve-containers.ts', { GATE_HOME: home.dir, GATE_RETENTION_DAY: '3' }),
  ])
  expect(isFile).toEqual({
    code: 1,
    stderr: expect.stringMatching(/^gate: GATE_HOME .* cannot be used: .*\n$/),
  })
  expect(isOpen).toEqual({ code: 1, stderr: expect.stringMatching(/^gate: GATE_HOME .*chmod 700.*\n$/) })
  expect(isMisspelt).toEqual({ code: 2, stderr: expect.stringMatching(/^gate: GATE_RETENTION_DAY: .*\n$/) })
})
