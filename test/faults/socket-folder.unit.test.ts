import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSocketFolder } from '../../container/process/socket-folder.ts'

const MODULE = path.join(import.meta.dirname, '../../container/process/socket-folder.ts')

const before = process.env.TMPDIR
let folder: string
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-socket-folder-'))
  process.env.TMPDIR = folder
})
afterEach(() => {
  if (before === undefined) delete process.env.TMPDIR
  else process.env.TMPDIR = before
  fs.rmSync(folder, { recursive: true })
})

function newHome(): string {
  return fs.mkdtempSync(path.join(folder, 'home-'))
}

/** Opens the socket folder of a companion that ends without removing it. */
function openAndDie(home: string): string {
  const script = `
    const { openSocketFolder } = await import(${JSON.stringify(MODULE)})
    process.stdout.write(await openSocketFolder(${JSON.stringify(home)}))`
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
}

test('the next companion on a state folder removes the sockets of a killed companion', async () => {
  const home = newHome()
  const dead = openAndDie(home)
  expect(fs.existsSync(dead)).toBe(true)
  const opened = await openSocketFolder(home)
  expect(fs.existsSync(dead)).toBe(false)
  expect(fs.readlinkSync(path.join(home, 'sockets'))).toBe(opened)
})

test('a companion removes the sockets of killed companions whose state folder is gone, and no others', async () => {
  const removed = newHome()
  const dead = openAndDie(removed)
  fs.rmSync(removed, { recursive: true })
  const alive = await openSocketFolder(newHome())
  // A companion that is just starting has not written its name yet.
  const starting = fs.mkdtempSync(path.join(folder, 'gate-sockets-'))
  const elsewhere = fs.mkdtempSync(path.join(folder, 'gate-sockets-'))
  fs.writeFileSync(path.join(elsewhere, 'owner'), '1 1 pid:[1]')
  await openSocketFolder(newHome())
  expect([dead, alive, starting, elsewhere].map(each => fs.existsSync(each))).toEqual([
    false,
    true,
    true,
    true,
  ])
})
