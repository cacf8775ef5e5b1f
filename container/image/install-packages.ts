// Fetches npm packages, and what they need, as package-lock.json pins them: `node packages.ts LOCK-FILE FOLDER NAME…`.
// An image gets what it imports that way, without npm and without everything else the project has.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

interface Locked {
  readonly version: string
  readonly integrity: string
  readonly dependencies?: Readonly<Record<string, string>>
}

const REGISTRY = 'https://registry.npmjs.org'

const [lockFile = '', folder = '', ...names] = process.argv.slice(2)
const { packages }: { packages: Record<string, Locked> } = JSON.parse(readFileSync(lockFile, 'utf8'))

/** Where a package finds another one: in its own folder, or beside it (Node.js, "Loading from node_modules"). */
function placeOf(name: string, importer: string): string {
  const own = `${importer}/node_modules/${name}`
  return packages[own] ? own : `node_modules/${name}`
}

const installed = new Set<string>()

function install(place: string): void {
  if (installed.has(place)) return
  installed.add(place)
  const locked = packages[place]
  if (!locked) throw new Error(`${lockFile} has no ${place}`)
  const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)
  const url = `${REGISTRY}/${name}/-/${path.basename(name)}-${locked.version}.tgz`
  const tarball = execFileSync('curl', ['-fsSL', url], { maxBuffer: 64 << 20 })
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
  if (integrity !== locked.integrity)
    throw new Error(`${name} ${locked.version} is not what ${lockFile} pins`)
  const target = path.join(folder, place)
  mkdirSync(target, { recursive: true })
  execFileSync('tar', ['-xz', '--strip-components=1', '--no-same-owner', '-C', target], { input: tarball })
  for (const needed of Object.keys(locked.dependencies ?? {})) install(placeOf(needed, place))
}

for (const name of names) install(`node_modules/${name}`)
