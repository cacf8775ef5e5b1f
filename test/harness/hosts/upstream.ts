import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createUpstream } from '../../../local/demo/demo.ts'
import { type SshServer, startSshServer } from '../../../local/demo/sshd.ts'
import type { Files } from '../clone.ts'
import { git, gitText } from '../git.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** A bare repository behind a real sshd, with one commit on main. */
export interface Upstream extends AsyncDisposable {
  /** The bare repository. */
  readonly dir: string
  /** The URL and host keys for the gate, with the sshd's address or `through` in its place. */
  at(through?: Partial<Address>): { url: string; knownHosts: string }
  readonly port: number
  authorize(publicKey: string): void
  /** Allows this key to fetch; a push is refused with these words, as hosts refuse a read-only deploy key. */
  authorizeToRead(publicKey: string, words: string): void
  /** The id of a ref; undefined if it does not exist. */
  ref(name: string): Promise<string | undefined>
  refs(): Promise<Record<string, string>>
  git(args: readonly string[]): Promise<string>
  /** Commits to a branch past the gate. Returns the commit's id. */
  commit(branch: string, message: string, files?: Files): Promise<string>
  /** Installs a pre-receive hook that prints these lines and refuses. */
  refuse(...lines: string[]): void
  /** Installs a hook, a shell script; without `script` removes it. */
  hook(name: 'pre-receive' | 'update' | 'post-receive' | 'proc-receive', script?: string): void
  /** Stops the server and every session. */
  stop(): Promise<void>
  /** Starts the server again on the same port. */
  start(): Promise<void>
  /** Restarts the server with a host key that is not pinned. */
  changeHostKey(): Promise<void>
}

let template: Promise<string> | undefined

/**
 * Makes the folder that each upstream is a copy of, a repository and a host key. git and ssh-keygen take 0.1 s of
 * processor time for it.
 */
async function makeTemplate(): Promise<string> {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-upstream-template-'))
  const repository = path.join(home, 'repository.git')
  await createUpstream(repository)
  fs.rmSync(path.join(repository, 'hooks'), { recursive: true })
  fs.appendFileSync(path.join(repository, 'config'), '[receive]\n\tautogc = false\n')
  await using _ = await startSshServer({ dir: path.join(home, 'sshd'), port: 0 })
  return home
}

/** Starts an upstream. `empty`: without a commit. `folder`: the name of the bare repository's folder. */
export async function startUpstream(options: { empty?: boolean; folder?: string } = {}): Promise<Upstream> {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'gate-upstream-'))
  const dir = path.join(home, options.folder ?? 'repository.git')
  template ??= makeTemplate()
  fs.cpSync(path.join(await template, 'repository.git'), dir, { recursive: true })
  fs.cpSync(path.join(await template, 'sshd'), path.join(home, 'sshd'), { recursive: true })
  if (options.empty) await gitText(['update-ref', '-d', 'refs/heads/main'], { cwd: dir })
  const sshDir = path.join(home, 'sshd')
  let server: SshServer = await startSshServer({ dir: sshDir, port: 0 })
  const { port } = server
  const up = async () => {
    server = await startSshServer({ dir: sshDir, port })
    if (server.port !== port) throw new Error(`port ${port} was taken while the upstream was down`)
  }
  const upstream: Upstream = {
    dir,
    port,
    at: through => {
      const { host, port: to } = { host: '127.0.0.1', port, ...through }
      return {
        url: server.urlOf(dir).replace(`127.0.0.1:${port}/`, `${host}:${to}/`),
        knownHosts: server.knownHosts.replace(`[127.0.0.1]:${port} `, `[${host}]:${to} `),
      }
    },
    authorize: key => server.authorize(key),
    authorizeToRead(key, words) {
      const script = path.join(home, 'read-only.sh')
      fs.writeFileSync(
        script,
        `case $SSH_ORIGINAL_COMMAND in git-receive-pack*) echo '${words}' >&2; exit 1 ;; esac\nexec git-shell -c "$SSH_ORIGINAL_COMMAND"\n`,
      )
      const line = `restrict,command="sh ${script}" ${key.trim().split(/\s+/).slice(0, 2).join(' ')}\n`
      fs.appendFileSync(path.join(sshDir, 'authorized_keys'), line)
    },
    ref: async name => (await upstream.refs())[name],
    async refs() {
      const listed = await upstream.git(['for-each-ref', '--format=%(refname) %(objectname)'])
      const lines = listed.split('\n').filter(Boolean)
      return Object.fromEntries(lines.map(line => line.split(' ') as [string, string]))
    },
    git: args => gitText(args, { cwd: dir }),
    async commit(branch, message, files = { [`${randomUUID()}.txt`]: `${message}\n` }) {
      const tipOf = async (name: string) =>
        (await git(['rev-parse', '--quiet', '--verify', name], { cwd: dir })).stdout.trim()
      const parent = (await tipOf(`refs/heads/${branch}`)) || (await tipOf('HEAD'))
      const input = importOf(branch, message, parent, files)
      // Random bytes do not compress: to try takes 20 ms of processor time for each megabyte.
      const isRandom = Object.values(files).some(content => Buffer.isBuffer(content))
      const compression = isRandom ? ['-c', 'core.compression=0'] : []
      return gitText([...compression, 'fast-import', '--quiet', '--date-format=now'], { cwd: dir, input })
    },
    refuse: (...lines) =>
      upstream.hook(
        'pre-receive',
        [...lines.map(line => `echo '${line.replaceAll("'", "'\\''")}' >&2`), 'exit 1'].join('\n'),
      ),
    hook(name, script) {
      const file = path.join(dir, 'hooks', name)
      if (script === undefined) return fs.rmSync(file, { force: true })
      fs.mkdirSync(path.dirname(file), { recursive: true })
      fs.writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    },
    stop: async () => server[Symbol.asyncDispose](),
    start: up,
    async changeHostKey() {
      await server[Symbol.asyncDispose]()
      for (const file of ['host_key', 'host_key.pub']) fs.rmSync(path.join(sshDir, file))
      await up()
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      fs.rmSync(home, { recursive: true, force: true })
    },
  }
  return upstream
}

/** Returns the input for git-fast-import(1) that commits these files and prints the commit's id. */
function importOf(branch: string, message: string, parent: string, files: Files): Buffer {
  const data = (content: string | Buffer) => {
    const bytes = Buffer.from(content)
    return [`data ${bytes.length}\n`, bytes, '\n']
  }
  return Buffer.concat(
    [
      `commit refs/heads/${branch}\nmark :1\ncommitter Ada <ada@example.com> now\n`,
      ...data(`${message}\n`),
      parent && `from ${parent}\n`,
      ...Object.entries(files).flatMap(([name, content]) => [`M 100644 inline ${name}\n`, ...data(content)]),
      'get-mark :1\ndone\n',
    ].map(part => Buffer.from(part)),
  )
}
