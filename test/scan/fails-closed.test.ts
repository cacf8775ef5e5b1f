import { execFileSync } from 'node:child_process'
import { access, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { GateFault, type IncomingPush } from '../../container/checks/check.ts'
import { commitIdentity } from '../../container/checks/commit-identity.ts'
import { secrets } from '../../container/checks/secrets/index.ts'
import { createGit } from '../../container/git/git.ts'
import { fakeCommand } from './fixtures/fake-command.ts'
import { githubToken, prose } from './fixtures/fakes.ts'
import { gitleaks } from './fixtures/gitleaks.ts'
import { templates, type WorkTree, workTree } from './fixtures/repositories.ts'

let tree: WorkTree
let folder: string
beforeEach(async () => {
  tree = await workTree()
  folder = await mkdtemp(join(tmpdir(), 'git-gate-fakes-'))
})
afterEach(async () => {
  await tree.dispose()
  await rm(folder, { recursive: true, force: true })
})
afterAll(() => templates.dispose())

const fake = (name: string, script: string) => fakeCommand(folder, name, script)

const checkWith = (binary: string, seconds = 60) =>
  secrets({ gitleaks: binary, seconds, maxBlobBytes: 50 << 20, fingerprintKey: 'a key for tests' })

async function harmlessPush(): Promise<IncomingPush> {
  for (let i = 0; i < 3; i++) await tree.write(`part-${i}.txt`, prose(90_000))
  await tree.commit()
  return tree.push(['main'])
}

/** Expects a GateFault with a message that shows no internals, and an empty scratch folder. */
async function expectFault(run: Promise<unknown>, push: IncomingPush, message: RegExp): Promise<void> {
  const error = await run.then(
    answer => answer,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(GateFault)
  expect(String(error)).toMatch(message)
  expect(String(error)).not.toContain(push.scratch)
  expect(await readdir(push.scratch)).toEqual([])
}

const never = new AbortController().signal

test.each<[string, string, RegExp]>([
  ['is killed', 'kill -9 $$', /ended with SIGKILL/],
  ['ends with 0 and says nothing', 'exit 0', /ended with 0/],
  [
    'finds nothing, not even the canary',
    'echo "1:00PM INF scanned ~1 bytes (1 bytes) in 1ms" >&2; echo "1:00PM INF no leaks found" >&2',
    /ended with 0/,
  ],
  ['answers with the exit code of an error', `${gitleaks} "$@"; exit 1`, /ended with 1/],
  ['answers with an unknown exit code', `${gitleaks} "$@"; exit 126`, /ended with 126/],
  ['prints a warning', `echo "1:00PM WRN skipping file: too large" >&2; exec ${gitleaks} "$@"`, /a warning/],
  ['prints an error', `echo "1:00PM ERR failed scan directory" >&2; exec ${gitleaks} "$@"`, /a warning/],
  ['prints something unknown', `echo "panic: no" >&2; exec ${gitleaks} "$@"`, /a warning/],
  ['reads one file less', `rm -f ./1-*; exec ${gitleaks} "$@"`, /has read \d+ of \d+ bytes/],
  [
    'reads a file in part',
    `for f in ./2-*; do head -c 5000 $f > t; mv t $f; done; exec ${gitleaks} "$@"`,
    /has read \d+ of \d+ bytes/,
  ],
  [
    'reads another text of the same length',
    `for f in ./2-*; do tr 'a-z' 'b-za' < $f > t; mv t $f; done; exec ${gitleaks} "$@"`,
    /not read all|ended with|has found/,
  ],
  [
    'reports less than it found',
    `${gitleaks} "$@" | tail -n +2; exit 77`,
    /has found 3 and reports 2|has found 4 and reports 3/,
  ],
  ['reports rubbish', `${gitleaks} "$@" > /dev/null; echo "{"; exit 77`, /cannot be read/],
  ['reports nothing', `${gitleaks} "$@" > /dev/null; exit 77`, /has found/],
  ['does not match the canary', `exec ${gitleaks} "$@" --enable-rule github-pat`, /ended with 0|a warning/],
  ['prints without end', 'while :; do printf "%01000d\\n" 0; done', /could not be run/],
])('gitleaks %s', { timeout: 60_000 }, async (_, script, message) => {
  const binary = await fake('gitleaks', script)
  const push = await harmlessPush()
  await expectFault(
    checkWith(binary).run(push, () => {}, never),
    push,
    message,
  )
})

test('gitleaks is missing', async () => {
  const push = await harmlessPush()
  await expectFault(
    checkWith(join(folder, 'nothing')).run(push, () => {}, never),
    push,
    /could not be run/,
  )
})

test('gitleaks hangs, and the deadline kills it and its children', { timeout: 60_000 }, async () => {
  const pid = join(folder, 'pid')
  const binary = await fake('gitleaks', `sleep 1000 & echo $! > ${pid}; wait`)
  const push = await harmlessPush()
  await expectFault(
    checkWith(binary, 2).run(push, () => {}, never),
    push,
    /made no progress for 2 s/,
  )
  // An ended process may still be a zombie.
  const state = await readFile(`/proc/${(await readFile(pid, 'utf8')).trim()}/stat`, 'utf8').catch(
    () => 'gone',
  )
  expect(state).toMatch(/^gone$|\) Z /)
})

test('a disconnect of the agent stops the scan at once', { timeout: 60_000 }, async () => {
  const startedFile = join(folder, 'begun')
  const binary = await fake('gitleaks', `: > ${startedFile}; sleep 1000`)
  const push = await harmlessPush()
  const disconnect = new AbortController()
  const run = checkWith(binary).run(push, () => {}, disconnect.signal)
  await expect
    .poll(
      () =>
        access(startedFile).then(
          () => true,
          () => false,
        ),
      { timeout: 30_000 },
    )
    .toBe(true)
  disconnect.abort(new Error('the agent has disconnected'))
  await expectFault(run, push, /stopped/)
})

test('the agent receives progress during a long scan', { timeout: 60_000 }, async () => {
  const binary = await fake('gitleaks', `sleep 4; exec ${gitleaks} "$@"`)
  const lines: string[] = []
  const push = await harmlessPush()
  expect(await checkWith(binary).run(push, line => lines.push(line), never)).toEqual([])
  expect(lines.join('\n')).toMatch(/secrets: scanning .* \(\d+ s\)/)
})

test.each<[string, string]>([
  ['rev-list fails', 'rev-list) exit 128'],
  ['rev-list is killed in the middle', 'rev-list) echo 0123; kill -9 $$'],
  ['rev-list prints an unknown object', 'rev-list) echo 0123456789012345678901234567890123456789'],
  ['diff-tree fails', 'diff-tree) exit 128'],
  ['diff-tree is killed in the middle', 'diff-tree) "$REAL" "$@" | head -c 100; kill -9 $$'],
  ['diff-tree prints half', 'diff-tree) "$REAL" "$@" | head -c 100'],
  ['cat-file fails', 'cat-file) exit 128'],
  [
    'cat-file is killed in the middle of a file',
    'cat-file) case "$*" in *batch-command*) "$REAL" "$@" | { dd bs=4096 count=9 2>/dev/null; kill -9 0; };; *) exec "$REAL" "$@";; esac',
  ],
])('git: %s', { timeout: 60_000 }, async (_, branch) => {
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()
  await fake('git', `REAL=${real}\ncase "$1" in ${branch};; *) exec ${real} "$@";; esac`)
  const original = await harmlessPush()
  const path = `${join(folder, 'git')}:${process.env.PATH}`
  const push = { ...original, git: createGit(original.git.dir, { ...original.git.env, PATH: path }) }
  await expectFault(
    checkWith(gitleaks).run(push, () => {}, never),
    push,
    /the gate could not/,
  )
})

test.each<[string, string | undefined, RegExp]>([
  ['is missing', undefined, /it has no gpg/],
  ['does not take the key', 'exit 2', /cannot be read/],
  ['takes no key', 'exit 0', /cannot be read/],
  [
    'is killed while it verifies',
    'case "$*" in *--import*) echo "[GNUPG:] IMPORT_OK 1 A";; *) kill -9 $$;; esac',
    /did not run to its end/,
  ],
])('gpg %s', async (_, script, message) => {
  const begin = '-----BEGIN PGP SIGNATURE-----'
  await tree.commit()
  const commit = await tree.git('cat-file', 'commit', 'HEAD')
  await tree.write(
    '../commit',
    `${commit.replace(/^committer .*$/m, line => `${line}\ngpgsig ${begin}\n \n -----END PGP SIGNATURE-----`)}\n`,
  )
  const id = await tree.git('hash-object', '-t', 'commit', '-w', '../commit')
  const allowedSigners = ['BEGIN', 'END'].map(word => `-----${word} PGP PUBLIC KEY BLOCK-----`).join('\n')
  const original = await tree.push([`${id}:refs/heads/signed`], { terms: { allowedSigners } })
  const bin = join(folder, 'bin')
  await mkdir(bin)
  for (const name of ['git', 'sh'])
    await symlink(
      execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(),
      join(bin, name),
    )
  const path = script === undefined ? bin : `${dirname(await fake('gpg', script))}:${bin}`
  const push = { ...original, git: createGit(original.git.dir, { ...original.git.env, PATH: path }) }
  const run = commitIdentity({ maxBlobBytes: 50 << 20 }).run(push, () => {}, never)
  await expect(run).rejects.toBeInstanceOf(GateFault)
  await expect(run).rejects.toThrow(message)
})

test('an object of the push is missing', async () => {
  await tree.write('a.txt', 'some text\n')
  await tree.commit()
  const push = await tree.push(['main'])
  const blob = await tree.git('rev-parse', 'HEAD:a.txt')
  const quarantine = push.git.env.GIT_OBJECT_DIRECTORY ?? ''
  await rm(join(quarantine, blob.slice(0, 2), blob.slice(2)), { force: true })
  await rm(join(quarantine, 'pack'), { recursive: true, force: true })
  await expectFault(
    checkWith(gitleaks).run(push, () => {}, never),
    push,
    /the gate could not/,
  )
})

// Only root can mount the small file system that this needs.
test.skipIf(process.getuid?.() !== 0)('the file system for temporary files is full', async () => {
  const push = await harmlessPush()
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'none', push.scratch])
  try {
    await expectFault(
      checkWith(gitleaks).run(push, () => {}, never),
      push,
      /the gate could not/,
    )
  } finally {
    execFileSync('umount', [push.scratch])
  }
})

test('no secret is left in the scratch folder or sent as progress', async () => {
  const token = githubToken()
  await tree.write('a.txt', `${token}\n`)
  await tree.commit()
  const push = await tree.push(['main'])
  const lines: string[] = []
  await checkWith(gitleaks).run(push, line => lines.push(line), never)
  expect(await readdir(push.scratch)).toEqual([])
  expect(lines.join('\n')).not.toContain(token)
})
