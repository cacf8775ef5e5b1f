import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import type { Upstream } from '../harness/index.ts'

/** The git-lfs-transfer that `node test/lfs/build.ts` builds: a server of the pure SSH transfer. */
export const LFS_TRANSFER_PROGRAM = path.join(
  import.meta.dirname,
  '../../.cache/git-lfs-transfer/git-lfs-transfer',
)

/** An upstream whose sshd runs git-lfs-transfer, and has no git-lfs-authenticate. */
export interface SshTransferServer {
  has(oid: string): boolean
  /** Puts an object into it past the gate. `oid`: the id that it gets in the place of its own. */
  put(content: Buffer | string, oid?: string): string
  /** The objects that arrive, or that have not arrived whole. */
  incomplete(): { oid: string; size: number }[]
  /** The sessions so far, such as `upload`. */
  sessions(): string[]
  /** Runs the program within this shell pipeline, such as `| head -c 1000`, from the next session on. */
  wrap(before: string, after: string): void
}

/** Makes an upstream's sshd run git-lfs-transfer for its repository. */
export function startSshTransferServer(upstream: Pick<Upstream, 'dir'>): SshTransferServer {
  const home = path.dirname(upstream.dir)
  const command = path.join(home, 'git-shell-commands', 'git-lfs-transfer')
  const log = path.join(home, 'lfs-sessions.log')
  const at = (oid: string) => path.join(upstream.dir, 'lfs/objects', oid.slice(0, 2), oid.slice(2, 4), oid)
  const wrap = (before: string, after: string) => {
    fs.mkdirSync(path.dirname(command), { recursive: true })
    // git-shell hands over the path as it was sent, in the home folder.
    const run = `${before} '${LFS_TRANSFER_PROGRAM}' "\${1#\\~/}" "$2" ${after}`
    fs.writeFileSync(`${command}.new`, `#!/bin/sh\necho "$2" >>'${log}'\n${run}\n`, { mode: 0o755 })
    fs.renameSync(`${command}.new`, command)
  }
  wrap('exec', '')
  return {
    wrap,
    has: oid => fs.existsSync(at(oid)),
    put(content, oid = createHash('sha256').update(content).digest('hex')) {
      fs.mkdirSync(path.dirname(at(oid)), { recursive: true })
      fs.writeFileSync(at(oid), content)
      return oid
    },
    incomplete() {
      const folder = path.join(upstream.dir, 'lfs/incomplete')
      if (!fs.existsSync(folder)) return []
      const sizeOf = (name: string) => fs.statSync(path.join(folder, name)).size
      return fs.readdirSync(folder).map(name => ({ oid: name.slice(0, 64), size: sizeOf(name) }))
    },
    sessions: () => (fs.existsSync(log) ? fs.readFileSync(log, 'utf8').split('\n').filter(Boolean) : []),
  }
}
