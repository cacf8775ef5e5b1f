import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { stateFolder } from './launcher.ts'

const root = path.resolve(import.meta.dirname, '../..')
const KEYS = { GATE_PASS_KEY: 'k'.repeat(32), GATE_ADMIN_TOKEN: 't'.repeat(32) }
const COMPANION = { GATE_COMPANION_URL: 'http://127.0.0.1:9' }

const serve = (script: string, env: Record<string, string>) =>
  promisify(execFile)(process.execPath, [script], {
    cwd: root,
    env: { PATH: process.env.PATH, ...KEYS, ...env },
  }).then(
    () => ({ code: 0, stderr: '' }),
    ({ code, stderr }) => ({ code, stderr }),
  )

test.each([
  ['local/serve-containers.ts', {}],
  ['local/serve-worker.ts', COMPANION],
])('%s ends with one line for a folder or a setting that it cannot use', async (script, settings) => {
  using home = stateFolder()
  const file = path.join(home.dir, 'file')
  fs.writeFileSync(file, '')
  const open = path.join(home.dir, 'open')
  fs.mkdirSync(open)
  fs.writeFileSync(path.join(open, 'keys.json'), '')
  fs.chmodSync(open, 0o777)
  const [isFile, isOpen, misspelt] = await Promise.all([
    serve(script, { ...settings, GATE_HOME: file }),
    serve(script, { ...settings, GATE_HOME: open }),
    serve(script, { ...settings, GATE_HOME: home.dir, GATE_RETENTION_DAY: '3' }),
  ])
  expect(isFile).toEqual({
    code: 1,
    stderr: expect.stringMatching(/^gate: GATE_HOME .* cannot be used: .*\n$/),
  })
  expect(isOpen).toEqual({ code: 1, stderr: expect.stringMatching(/^gate: GATE_HOME .*chmod 700.*\n$/) })
  expect(misspelt).toEqual({ code: 2, stderr: expect.stringMatching(/^gate: GATE_RETENTION_DAY: .*\n$/) })
})
