import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { IncomingPush } from '../../container/checks/check.ts'
import type { Command } from '../../container/commands.ts'
import { gitEnvironment, gitOn } from '../../container/git.ts'
import { ObjectId, RefName } from '../../src/contract/names.ts'
import { Pass, type PassFor, PROTOCOL } from '../../src/contract/pass.ts'
import type { Terms } from '../../src/contract/rules.ts'

const exec = promisify(execFile)

/** A work tree whose pushes go to a real bare mirror, and stop there in a real quarantine. */
export interface WorkTree {
  readonly dir: string
  readonly mirror: string
  git(...args: readonly string[]): Promise<string>
  write(path: string, content: string | Buffer): Promise<void>
  /** Commits all that is in the work tree; answers with the id. */
  commit(message?: string): Promise<string>
  /** Makes what `refs` point at the upstream's, unchecked. */
  publish(...refs: readonly string[]): Promise<void>
  /** Pushes, and keeps the quarantine as the checks get to see it. */
  push(refspecs: readonly string[], pass?: PassChanges): Promise<IncomingPush>
  /** A push as git keeps one of few objects, unpacked, without the time it takes to receive. */
  unpacked(ref: string, id: string): Promise<IncomingPush>
  dispose(): Promise<void>
}

export interface PassChanges {
  readonly terms?: Partial<Terms>
  readonly exceptions?: PassFor<'git-receive-pack'>['exceptions']
  readonly gitleaksConfig?: string
}

// The hook keeps what git has received, and refuses: the quarantine is then like the one a check runs in.
const KEEP = `#!/bin/sh
cat > "$KEEP/commands"
test -z "$GIT_QUARANTINE_PATH" || cp -a "$GIT_QUARANTINE_PATH" "$KEEP/quarantine"
exit 1
`

/** The repository that every work tree starts from, made once: one commit on `main`, upstream's already. */
class Templates {
  #home: Promise<string> | undefined
  home(): Promise<string> {
    this.#home ??= makeTemplate()
    return this.#home
  }
  async dispose(): Promise<void> {
    if (this.#home) await rm(await this.#home, { recursive: true, force: true })
    this.#home = undefined
  }
}
export const templates = new Templates()

/** The configuration of those who push: it leaves who they are to be changed by a case. */
export const gitConfig = `[user]
  name = Ada
  email = ada@example.com
[init]
  defaultBranch = main
[gc]
  auto = 0
[safe]
  directory = *
`

async function makeTemplate(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'git-gate-scan-'))
  const config = join(home, 'gitconfig')
  await writeFile(config, gitConfig)
  const env = environment(home, config)
  const git = (...args: string[]) => exec('git', args, { cwd: home, env })
  await git('init', '--quiet', 'work')
  await writeFile(join(home, 'work', 'README.md'), '# App\n')
  await git('-C', 'work', 'add', '--all')
  await git('-C', 'work', 'commit', '--quiet', '--message', 'Begin')
  await git('clone', '--quiet', '--bare', 'work', 'mirror.git')
  await writeFile(join(home, 'mirror.git', 'hooks', 'pre-receive'), KEEP)
  return home
}

const environment = (home: string, config: string) => ({
  ...gitEnvironment(home, config),
  GIT_AUTHOR_DATE: '2026-01-01T00:00:00Z',
  GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z',
})

export async function workTree(): Promise<WorkTree> {
  const home = await mkdtemp(join(tmpdir(), 'git-gate-scan-'))
  await cp(await templates.home(), home, { recursive: true })
  const dir = join(home, 'work')
  const mirror = join(home, 'mirror.git')
  const config = join(home, 'gitconfig')
  const env = environment(home, config)
  const run = async (args: readonly string[], more: Record<string, string> = {}) =>
    (
      await exec('git', [...args], { cwd: dir, env: { ...env, ...more }, maxBuffer: 256 << 20 })
    ).stdout.trimEnd()
  const hook = (on: boolean) => chmod(join(mirror, 'hooks', 'pre-receive'), on ? 0o755 : 0o644)

  return {
    dir,
    mirror,
    git: (...args) => run(args),
    async write(path, content) {
      await mkdir(dirname(join(dir, path)), { recursive: true })
      await writeFile(join(dir, path), content)
    },
    async commit(message = 'Work') {
      await run(['add', '--all'])
      await run(['commit', '--quiet', '--allow-empty', '--message', message])
      return run(['rev-parse', 'HEAD'])
    },
    async publish(...refs) {
      await hook(false)
      await run(['push', '--quiet', '--force', mirror, ...refs])
    },
    async push(refspecs, pass = {}) {
      await hook(true)
      const keep = join(home, randomUUID())
      await mkdir(join(keep, 'scratch'), { recursive: true })
      await run(['push', '--quiet', mirror, ...refspecs], { KEEP: keep }).catch(() => {})
      const commands = (await readFile(join(keep, 'commands'), 'utf8')).trim().split('\n').map(readCommand)
      return incoming(mirror, config, keep, commands, pass)
    },
    async unpacked(ref, id) {
      const keep = join(home, randomUUID())
      await mkdir(join(keep, 'scratch'), { recursive: true })
      await cp(join(dir, '.git', 'objects'), join(keep, 'quarantine'), { recursive: true })
      return incoming(mirror, config, keep, [readCommand(`${'0'.repeat(40)} ${id} ${ref}`)], {})
    },
    dispose: () => rm(home, { recursive: true, force: true }),
  }
}

function readCommand(line: string): Command {
  const [old, id, ref] = line.split(' ')
  return { ref: RefName.parse(ref), old: ObjectId.parse(old), new: ObjectId.parse(id) }
}

function incoming(
  mirror: string,
  config: string,
  keep: string,
  commands: Command[],
  changes: PassChanges,
): IncomingPush {
  const pass = Pass.parse({
    v: PROTOCOL,
    id: 'push',
    exp: 0,
    service: 'git-receive-pack',
    repository: {
      name: 'acme/app',
      url: 'ssh://upstream/app',
      identity: 'key',
      knownHosts: '',
      staleReads: false,
    },
    agent: 'ada',
    terms: { ...changes.terms },
    exceptions: changes.exceptions ?? [],
    gitleaksConfig: changes.gitleaksConfig ?? '',
  })
  if (pass.service !== 'git-receive-pack') throw new Error('not a push')
  const env = {
    ...gitEnvironment(keep, config),
    GIT_OBJECT_DIRECTORY: join(keep, 'quarantine'),
    GIT_ALTERNATE_OBJECT_DIRECTORIES: join(mirror, 'objects'),
    GIT_QUARANTINE_PATH: join(keep, 'quarantine'),
  }
  return {
    commands,
    pass,
    git: gitOn(mirror, env),
    scratch: join(keep, 'scratch'),
    record: {
      findings: [],
      exceptionsUsed: [],
      secretRefs: new Map(),
      scanned: { bytes: 0, objects: 0, gitleaks: 0 },
    },
  }
}
