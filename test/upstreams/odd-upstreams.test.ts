import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConnectionCheck } from '../../src/contract/admin-api/status.ts'
import { accepted, type Gate, gitText, sharedGate } from '../harness/index.ts'

let gate: Gate
beforeAll(async () => {
  gate = await sharedGate()
})
afterAll(() => gate[Symbol.asyncDispose]())

test('a shallow upstream is refused in words by fetch, push and doctor', async () => {
  const words = 'the upstream is a shallow clone, without its older history'
  const upstream = await gate.repository('shallow')
  const other = await gate.repository('shallow-source')
  await other.commit('main', 'Second')
  const ada = await gate.agent('shallow-ada', { push: ['**'] }, { repository: 'shallow-source' })
  await gate.admin.grant('shallow-ada', 'shallow', {
    rules: [{ pattern: 'refs/heads/**', allow: ['create', 'update'] }],
  })
  fs.rmSync(upstream.dir, { recursive: true })
  await gitText(['clone', '-q', '--bare', '--depth=1', `file://${other.dir}`, upstream.dir])
  const work = await ada.clone()
  for (const command of [
    ['ls-remote', ada.url('shallow')],
    ['push', ada.url('shallow'), 'HEAD:x'],
  ]) {
    const ran = await work.git(command)
    expect(ran.code).not.toBe(0)
    expect(ran.output).toContain(words)
  }
  const { steps } = ConnectionCheck.parse(await gate.admin.request('POST', '/repositories/shallow/check'))
  expect(steps.at(-1)).toMatchObject({ name: 'read', ok: false, detail: expect.stringContaining(words) })
})

test('an old history passes with its faults, and a dangerous one does not', async () => {
  const ada = await gate.agent('old', { push: ['**'] })
  const work = await ada.clone()
  const hash = async (type: string, content: string | Buffer) => {
    const made = await work.git(['hash-object', '-w', '--literally', '-t', type, '--stdin'], {
      input: content,
    })
    return made.stdout.trim()
  }
  const empty = await hash('tree', '')
  const entry = (mode: string, name: string, id: string) =>
    Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')])
  const padded = await hash('tree', entry('040000', 'folder', empty))
  const commit = (tree: string, who: string, parent?: string) =>
    hash(
      'commit',
      `tree ${tree}\n${parent ? `parent ${parent}\n` : ''}author ${who}\ncommitter ${who}\n\nOld\n`,
    )
  const first = await commit(padded, 'Ada <ada@example.com> 1100000000 +051800')
  const second = await commit(empty, 'Ada <ada@example.com>1100000000 +0000', first)
  const old = await work.push(`${second}:refs/heads/old`)
  expect(old, old.output).toMatchObject(accepted)
  expect(await gate.upstream.ref('refs/heads/old')).toBe(second)

  const blob = await hash('blob', 'x')
  const danger = await hash('tree', entry('100644', '.git', blob))
  const refused = await work.push(
    `${await commit(danger, 'Ada <ada@example.com> 1100000000 +0000')}:refs/heads/bad`,
  )
  expect(refused.code).not.toBe(0)
  expect(refused.output).toContain('hasDotgit')
  expect(fs.existsSync(path.join(gate.upstream.dir, 'refs/heads/bad'))).toBe(false)
})
