import { execFile } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { projectRoot } from '../../local/bundle.ts'
import { seconds } from '../harness/index.ts'
import type { DockerEngine } from './docker-engine.ts'

const run = promisify(execFile)

const SUITE = 'trixie'
/** The base that the Dockerfile names. */
const OFFICIAL = `debian:${SUITE}-slim`

/** Sees to it that the engine has the Dockerfile's base: from a registry, or made here under its name. */
export async function haveBase({ docker }: DockerEngine): Promise<void> {
  if (await docker(['image', 'inspect', OFFICIAL]).catch(() => undefined)) return
  const pulled = await docker(['pull', '--quiet', OFFICIAL], seconds(120)).catch(() => undefined)
  if (pulled === undefined) await docker(['import', await debootstrap(), OFFICIAL], seconds(120))
}

/** A minimal Debian as a tar file, made once; it trusts whom this machine trusts. */
async function debootstrap(): Promise<string> {
  const tar = path.join(projectRoot, '.cache', `debian-${SUITE}.tar`)
  if (fs.existsSync(tar)) return tar
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-debian-'))
  try {
    await run('debootstrap', ['--variant=minbase', SUITE, folder, 'http://deb.debian.org/debian'], {
      maxBuffer: 64 << 20,
    })
    const trusted = '/etc/ssl/certs/ca-certificates.crt'
    const local = path.join(folder, 'usr/local/share/ca-certificates')
    fs.mkdirSync(local, { recursive: true })
    if (fs.existsSync(trusted)) fs.copyFileSync(trusted, path.join(local, 'this-machine.crt'))
    for (const waste of ['var/cache/apt/archives', 'var/lib/apt/lists'])
      fs.rmSync(path.join(folder, waste), { recursive: true, force: true })
    await run('tar', ['-C', folder, '-cf', `${tar}.new`, '.'])
    fs.renameSync(`${tar}.new`, tar)
    return tar
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}
