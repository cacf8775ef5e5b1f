// Installs everything that a fresh clone lacks: npm packages, Debian packages, and gitleaks. Plain JavaScript
// without dependencies, because it runs before they are installed, on the machine's own Node (20 or newer).
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const root = path.dirname(fileURLToPath(import.meta.url))
const inRoot = (...parts) => path.join(root, ...parts)
const log = line => process.stderr.write(`setup: ${line}\n`)

// Only this user may change the programs that it installs, whatever the umask.
process.umask(process.umask() | 0o022)

class SetupError extends Error {}

/** Runs a command with its output in view. Throws SetupError with `remedy` when it fails. */
function runOrStop(command, args, { remedy, ...options }) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options })
  if (status !== 0)
    throw new SetupError(`${error ? error.message : `${command} ${args[0]} failed`}; ${remedy}`)
}

const findOnPath = name =>
  [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin', '/sbin', '/usr/local/go/bin']
    .filter(Boolean)
    .map(folder => path.join(folder, name))
    .find(isFile)

function isFile(name) {
  try {
    return fs.statSync(name).isFile()
  } catch {
    // The file is missing, or in a folder that this user may not read.
    return false
  }
}

// --- npm: node_modules is compared with package-lock.json itself, since a stamp file could be wrong.

function npmIsDone() {
  try {
    const wanted = JSON.parse(fs.readFileSync(inRoot('package-lock.json'), 'utf8')).packages
    const present = JSON.parse(fs.readFileSync(inRoot('node_modules/.package-lock.json'), 'utf8')).packages
    return (
      fs.existsSync(inRoot('node_modules/.bin/node')) &&
      Object.entries(wanted).every(
        ([folder, { version, optional, peer }]) =>
          folder === '' || optional || peer || present[folder]?.version === version,
      )
    )
  } catch {
    return false
  }
}

function installPackages() {
  log('installing the npm packages of package-lock.json')
  const npm = process.env.npm_execpath
  // Not `npm ci`: it refuses a lock file that lacks other platforms' optional packages (npm/cli#4828).
  const args = ['install', '--no-save', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  const remedy = 'check the connection to the npm registry, then run it again'
  if (npm?.endsWith('.js')) runOrStop(process.execPath, [npm, ...args], { remedy })
  else runOrStop('npm', args, { remedy })
  if (!fs.existsSync(inRoot('node_modules/.bin/node')))
    throw new SetupError(
      'npm did not install the package "node"; allow its install script (npm config get ignore-scripts)',
    )
}

// --- Debian: git, and OpenSSH for upstreams and for the sshd of the demo and the tests.
// GnuPG is optional: a gate without it refuses pushes whose grant requires GnuPG signatures, with that
// reason.

const forTests = process.argv.includes('--tests')
const canInstall = process.getuid?.() === 0 && findOnPath('apt-get')
const packageOf = {
  git: 'git',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  sshd: 'openssh-server',
  ...(canInstall || forTests ? { gpg: 'gpg' } : {}),
  ...(forTests ? { 'gpg-agent': 'gpg-agent' } : {}),
  // Without it, the tests of Git LFS with the real client are skipped.
  ...(forTests && canInstall ? { 'git-lfs': 'git-lfs' } : {}),
}
const missingPrograms = () => Object.keys(packageOf).filter(name => !findOnPath(name))

function installPrograms(missing) {
  const packages = [...new Set(missing.map(name => packageOf[name]))]
  const byHand = `install ${packages.join(' ')} (needed: ${missing.join(', ')})`
  if (!canInstall) throw new SetupError(byHand)
  aptInstall(packages)
  // This set-up needs sshd's program only, so the system's ssh service stays off.
  if (missing.includes('sshd') && fs.existsSync('/run/systemd/system'))
    spawnSync('systemctl', ['disable', '--now', 'ssh.service', 'ssh.socket'], { stdio: 'ignore' })
}

function aptInstall(packages) {
  log(`installing the Debian packages ${packages.join(' ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' }
  const aptGet = args =>
    // flock waits for another run; apt itself fails at once when its lists are locked.
    spawnSync(
      'flock',
      ['/run/lock/git-gate-setup', 'apt-get', '-qq', '-o', 'DPkg::Lock::Timeout=300', ...args],
      {
        env,
        stdio: ['ignore', 2, 2],
      },
    ).status === 0
  fs.mkdirSync('/run/lock', { recursive: true })
  const install = () => aptGet(['install', '-y', '--no-install-recommends', ...packages])
  withoutStartingServices(() => {
    if (!install() && !(aptGet(['update']) && install()))
      throw new SetupError(`apt-get could not; install ${packages.join(' ')}`)
  })
}

/** Debian starts a service at its installation, unless policy-rc.d exits with 101 (invoke-rc.d(8)). */
function withoutStartingServices(work) {
  const policy = '/usr/sbin/policy-rc.d'
  let isOwn = false
  try {
    fs.writeFileSync(policy, '#!/bin/sh\nexit 101\n', { flag: 'wx', mode: 0o755 })
    isOwn = true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  try {
    work()
  } finally {
    if (isOwn) fs.rmSync(policy, { force: true })
  }
}

// --- The tests' browser: Chromium without windows, which takes half of the whole browser's processor time. The whole
// browser will do where Debian's package cannot be installed.

const browser = 'chromium-headless-shell'
const browserIsDone = () =>
  !forTests || findOnPath(browser) !== undefined || (!canInstall && findOnPath('chromium') !== undefined)

function installBrowser() {
  if (!canInstall) throw new SetupError(`install ${browser}`)
  try {
    aptInstall([browser])
  } catch (error) {
    if (!(error instanceof SetupError && findOnPath('chromium'))) throw error
    log(`${error.message}; the tests run in chromium`)
  }
}

// --- gitleaks: built from container/gitleaks, which pins the version, or the same version from PATH.

const gitleaks = inRoot('.cache/gitleaks/gitleaks')
/** What Go has compiled for the tests, whose build of the companion's image takes it from here. */
const compiledForTests = inRoot('.cache/go-build')
const gitleaksStamp = inRoot('.cache/gitleaks/module')
const goModule = () => fs.readFileSync(inRoot('container/gitleaks/go.mod'), 'utf8')
const moduleHash = () =>
  createHash('sha256')
    .update(goModule())
    .update(fs.readFileSync(inRoot('container/gitleaks/go.sum')))
    .digest('hex')

/** cgo's needs for RE2, whose regular expressions are 10 times as fast as Go's, by their Debian packages. */
const RE2_PACKAGES = {
  'libre2-dev': () => isFile('/usr/include/re2/re2.h'),
  'g++': () => findOnPath('g++'),
  'pkg-config': () => findOnPath('pkg-config'),
}
const missingForRe2 = () => Object.keys(RE2_PACKAGES).filter(name => !RE2_PACKAGES[name]())

/** The build of gitleaks that this machine can make: with RE2 where its library is, or else with Go's own engine. */
const buildKind = () => (missingForRe2().length === 0 ? 're2' : 'plain')
const wantedStamp = () => `${moduleHash()} ${buildKind()}`

function gitleaksIsDone() {
  try {
    return fs.existsSync(gitleaks) && fs.readFileSync(gitleaksStamp, 'utf8') === wantedStamp()
  } catch {
    return false
  }
}

/** Installs what RE2 needs, where this user may. gitleaks is built without RE2 when that fails. */
function installRe2() {
  const missing = missingForRe2()
  if (missing.length === 0 || !canInstall) return
  try {
    aptInstall(missing)
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    log(`${error.message}; gitleaks is built without RE2`)
  }
}

function installGitleaks() {
  const [, name, version] = /^\s*(?:require )?(\S+\/gitleaks\/v8) v(\S+)/m.exec(goModule()) ?? []
  if (!version) throw new SetupError('container/gitleaks/go.mod names no version of gitleaks')
  fs.mkdirSync(path.dirname(gitleaks), { recursive: true })
  const unfinished = `${gitleaks}.${process.pid}`
  const go = findOnPath('go')
  const installed = findOnPath('gitleaks')
  const installedVersion =
    installed && spawnSync(installed, ['version'], { encoding: 'utf8' }).stdout?.trim().replace(/^v/, '')
  if (installedVersion === version) {
    fs.copyFileSync(installed, unfinished)
  } else if (go) {
    installRe2()
    log(`building gitleaks ${version} (a minute or two the first time)`)
    const isRe2 = buildKind() === 're2'
    // -w drops the debug information, so none is made.
    const flags = ['-trimpath', '-gcflags=all=-dwarf=false']
    flags.push('-ldflags', `-s -w -X ${name}/version.Version=${version}`)
    // Go's own net and os/user: compiled by C compilers of two systems, each of them would change all that uses it.
    if (isRe2) flags.push('-tags', 'gore2regex re2_cgo netgo osusergo')
    const env = { ...process.env, GOFLAGS: '-mod=readonly -buildvcs=false', GOWORK: 'off' }
    if (forTests) env.GOCACHE = compiledForTests
    runOrStop(go, ['build', ...flags, '-o', unfinished, name], {
      cwd: inRoot('container/gitleaks'),
      // RE2's binding has a warning of its own, which says nothing about this machine.
      env: { ...env, CGO_ENABLED: isRe2 ? '1' : '0', CGO_CXXFLAGS: '-O2 -Wno-write-strings' },
      remedy: `check the connection to the Go module proxy, or put gitleaks ${version} on PATH`,
    })
  } else throw new SetupError(`install Go 1.24 or newer, or put gitleaks ${version} on PATH`)
  fs.chmodSync(unfinished, 0o755)
  fs.renameSync(unfinished, gitleaks)
  fs.writeFileSync(unfinished, wantedStamp())
  fs.renameSync(unfinished, gitleaksStamp)
}

// --- npm does not link a package's own commands, so this link makes `npx git-gate` work in the project.

const link = inRoot('node_modules/.bin/git-gate')
const linkIsDone = () => fs.lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() === true

/** Runs one set-up at a time in this folder. A set-up that waited finds the work done. */
async function withLock(work) {
  const lock = inRoot('.cache/setup.pid')
  const ownPid = `${lock}.${process.pid}`
  fs.mkdirSync(path.dirname(lock), { recursive: true })
  fs.writeFileSync(ownPid, String(process.pid))
  try {
    for (let isWaiting = false; !tryLock(ownPid, lock); isWaiting = true) {
      if (!isWaiting) log('waiting for another set-up of this folder')
      await new Promise(resolve => setTimeout(resolve, 200))
    }
  } finally {
    fs.rmSync(ownPid)
  }
  try {
    work()
  } finally {
    fs.rmSync(lock, { force: true })
  }
}

/** A hard link is created atomically, so a lock always contains its owner's process id. */
function tryLock(ownPid, lock) {
  try {
    fs.linkSync(ownPid, lock)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  try {
    process.kill(Number(fs.readFileSync(lock, 'utf8')), 0)
  } catch (error) {
    // ESRCH: the owner was killed. ENOENT: the lock was just released.
    if (error.code === 'ESRCH') fs.rmSync(lock, { force: true })
  }
  return false
}

const isDone = () =>
  npmIsDone() && missingPrograms().length === 0 && browserIsDone() && gitleaksIsDone() && linkIsDone()

function setUp() {
  const missing = missingPrograms()
  if (missing.length) installPrograms(missing)
  if (!browserIsDone()) installBrowser()
  if (!npmIsDone()) installPackages()
  if (!gitleaksIsDone()) installGitleaks()
  if (!linkIsDone()) fs.symlinkSync('../../cli/git-gate', link)
}

try {
  if (!isDone()) {
    await withLock(setUp)
    log('done')
  }
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  log(error.message)
  process.exitCode = 1
}
