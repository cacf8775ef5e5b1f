import fs from 'node:fs'
import path from 'node:path'

const FOR_OTHERS = 0o077
const WRITABLE_BY_OTHERS = 0o022

/** The folders with secrets in a state folder. The mode of the state folder protects the rest. */
const WITH_SECRETS = [
  '.',
  'state',
  'companion',
  'companion/identities',
  'companion/credentials',
  'demo',
  'demo/sshd',
]

/**
 * Creates a state folder, or restricts an existing one to this user. Prints a line when other users could
 * read it. Throws when it belongs to another user, or when other users may write to it and it is not empty.
 */
export function restrictFolder(dir: string, log: (line: string) => void): void {
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 })
  const folder = fs.realpathSync(dir)
  const { uid, mode } = fs.statSync(folder)
  if (process.getuid && uid !== process.getuid())
    throw new Error('it belongs to another user; give the gate a folder of its own')
  if (mode & WRITABLE_BY_OTHERS && fs.readdirSync(folder).length > 0)
    throw new Error(
      `other users may write to it (mode ${octal(mode)}); look at what is in it, then: chmod 700 '${dir}'`,
    )
  for (const name of WITH_SECRETS) restrictWithFiles(path.join(folder, name))
  if (mode & FOR_OTHERS)
    log(`gate: GATE_HOME ${dir} was open to other users (mode ${octal(mode)}); its mode is now 700`)
}

function restrictWithFiles(folder: string): void {
  if (!fs.lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) return
  removeAccessOfOthers(folder)
  for (const entry of fs.readdirSync(folder, { withFileTypes: true }))
    if (entry.isFile()) removeAccessOfOthers(path.join(folder, entry.name))
}

function removeAccessOfOthers(file: string): void {
  const { mode } = fs.lstatSync(file)
  if (mode & FOR_OTHERS) fs.chmodSync(file, mode & 0o700)
}

const octal = (mode: number) => (mode & 0o7777).toString(8).padStart(3, '0')
