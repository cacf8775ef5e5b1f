import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { restrictFolder } from './restrict-folder.ts'

const Keys = z.object({ passKey: z.string().min(32), adminToken: z.string().min(32) })

/** The state folder (GATE_HOME) of one running gate. */
export interface Home extends Disposable {
  readonly dir: string
  /** The persistence folder of wrangler: D1 and the Durable Objects. */
  readonly state: string
  readonly companion: string
  readonly passKey: string
  readonly adminToken: string
  /** Writes admin.json, where the CLI finds this gate. */
  writeAdminFile(url: string): void
}

/** Another gate runs on this state folder. */
export class HomeInUse extends Error {}

/**
 * Locks the state folder for this process, and creates the keys that Worker and companion share. Throws
 * HomeInUse when another gate has the lock.
 */
export function openHome(
  dir: string,
  env: Readonly<Record<string, string>>,
  log: (line: string) => void = () => {},
): Home {
  const lock = withHomeErrors(dir, () => {
    restrictFolder(dir, log)
    fs.accessSync(dir, fs.constants.W_OK | fs.constants.X_OK)
    return takeLock(path.join(dir, 'lock'), dir)
  })
  const keys = {
    ...withHomeErrors(dir, () => loadOrCreateKeys(path.join(dir, 'keys.json'))),
    ...(env.GATE_PASS_KEY ? { passKey: env.GATE_PASS_KEY } : {}),
    ...(env.GATE_ADMIN_TOKEN ? { adminToken: env.GATE_ADMIN_TOKEN } : {}),
  }
  return {
    dir,
    state: path.join(dir, 'state'),
    companion: path.join(dir, 'companion'),
    ...keys,
    writeAdminFile: url =>
      writeSecret(path.join(dir, 'admin.json'), JSON.stringify({ url, token: keys.adminToken })),
    [Symbol.dispose]: () => lock.close(),
  }
}

/** Runs work on the state folder. An error names the setting GATE_HOME. */
function withHomeErrors<T>(dir: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof HomeInUse) throw error
    throw new Error(`GATE_HOME ${dir} cannot be used: ${error instanceof Error ? error.message : error}`)
  }
}

/** Takes SQLite's file lock, which the kernel releases however this process exits. */
function takeLock(file: string, dir: string): DatabaseSync {
  const lock = new DatabaseSync(file, { timeout: 0 })
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    throw new HomeInUse(`another gate runs on ${dir}; stop it, or give this one a GATE_HOME of its own`, {
      cause: error,
    })
  }
}

function loadOrCreateKeys(file: string): z.infer<typeof Keys> {
  if (fs.existsSync(file)) {
    const saved = Keys.safeParse(parsed(fs.readFileSync(file, 'utf8')))
    if (saved.success) return saved.data
    throw new Error('its keys.json is damaged; put back a copy, or move it away for new keys')
  }
  const random = () => randomBytes(32).toString('base64url')
  const keys = { passKey: random(), adminToken: random() }
  writeSecret(file, JSON.stringify(keys))
  return keys
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Writes a file atomically, readable only by its owner. */
export function writeSecret(file: string, text: string): void {
  const fresh = `${file}.new`
  fs.rmSync(fresh, { force: true })
  fs.writeFileSync(fresh, `${text}\n`, { mode: 0o600, flag: 'wx' })
  fs.renameSync(fresh, file)
}
