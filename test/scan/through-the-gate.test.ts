import { execFile } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PushPage, PushRecord } from '../../src/contract/admin-api/pushes.ts'
import { commitAll } from '../harness/clone.ts'
import { accepted, type Gate, git, rejected, seconds, startGate, until } from '../harness/index.ts'
import { type Case, makeIn, type OneFile, type Work } from './corpus/case.ts'
import { beside, caught, clean, residue } from './corpus/index.ts'
import { gitConfig } from './fixtures/repositories.ts'

const exec = promisify(execFile)
/** The cases in one push. Each case has its own refs. */
const CASES_PER_PUSH = 32
/**
 * The cases in one push whose upstream has secrets: the baseline reads the trees of few pushed branches
 * (container/checks/secrets/baseline/already-upstream.ts).
 */
const BESIDE_CASES_PER_PUSH = 4
const everything = { push: ['**'], force: ['**'], delete: ['**'], tags: ['**'] }

let home: string
let gate: Gate
let url: string
/** Upstream's commit, the parent of each case's first. */
let start: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'git-gate-corpus-'))
  await writeFile(join(home, 'gitconfig'), gitConfig)
  gate = await startGate()
  await gate.upstream.commit('main', 'Begin', { 'README.md': '# App\n' })
  url = (await gate.agent('ada', everything)).url()
  await inFolder(home, 'clone', '--quiet', url, 'template')
  await inFolder(home, 'clone', '--quiet', '--shared', '--template=', 'template', 'clone')
  start = await inFolder(join(home, 'clone'), 'rev-parse', 'HEAD')
})
afterAll(async () => {
  await gate[Symbol.asyncDispose]()
  await rm(home, { recursive: true, force: true })
})

const inFolder = async (dir: string, ...args: readonly string[]) => {
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: join(home, 'gitconfig'),
  }
  return (await exec('git', [...args], { cwd: dir, env, maxBuffer: 256 << 20 })).stdout.trimEnd()
}

/** Returns a case's refspec under the case's prefix: `HEAD:refs/heads/main` pushes to `refs/heads/17/main`. */
function withPrefix(prefix: string, refspec: string): { source: string; target: string } {
  const [, source = '', target = source] = /^\+?([^:]*)(?::(.*))?$/.exec(refspec) ?? []
  const full = target.startsWith('refs/') ? target : `refs/heads/${target}`
  return { source, target: full.replace(/^refs\/\w+\//, kind => `${kind}${prefix}/`) }
}

/** Builds a case in a clone of its own. Returns the clone and its refspecs with object ids. */
async function build(each: Case, prefix: string) {
  const dir = join(home, prefix, 'work')
  // The asynchronous copy takes ten times the processor time.
  cpSync(join(home, 'clone'), dir, { recursive: true })
  const work: Work = {
    dir,
    git: (...args) => inFolder(dir, ...args),
    async write(path, content) {
      await mkdir(dirname(join(dir, path)), { recursive: true })
      await writeFile(join(dir, path), content)
    },
    commit: (message = 'Work') => work.git(...commitAll(message)),
    async publish(...refspecs) {
      const prefixed = refspecs.map(refspec => withPrefix(prefix, refspec))
      const ownOf = prefixed.map(({ source, target }) => `${source}:${target}`)
      await work.git('push', '--quiet', '--force', gate.upstream.dir, ...ownOf)
    },
  }
  const { secrets, ...description } = await makeIn(work, each)
  const prefixed = description.refspecs.map(refspec => withPrefix(prefix, refspec))
  const sources = prefixed.flatMap(({ source }) => source || [])
  const ids = sources.length ? (await work.git('rev-parse', ...sources)).split('\n') : []
  return {
    prefix,
    secrets,
    dir,
    refspecs: prefixed.map(({ source, target }) => `+${source && ids.shift()}:${target}`),
  }
}

/** Returns the ledger's record of a push after its end. */
async function recordOf(name: string): Promise<PushRecord> {
  const id = await until(
    async () => {
      const page = PushPage.parse(await gate.admin.request('GET', '/pushes?limit=10'))
      const match = page.pushes.find(push => push.refs.some(({ ref }) => ref.includes(`/${name}-`)))
      return match && match.outcome !== 'open' ? match.id : undefined
    },
    seconds(30),
    () => `${name} has no record in the ledger`,
  )
  return PushRecord.parse(await gate.admin.request('GET', `/pushes/${id}`))
}

let pushes = 0

const quickly = ['-c', 'core.compression=1']

/** Commits files of cases to branches of their own, named after the cases' prefixes, in a bare repository. */
async function commitFiles(dir: string, files: readonly { prefix: string; file: OneFile }[]): Promise<void> {
  const data = (content: string | Buffer) => {
    const bytes = Buffer.from(content)
    return [`data ${bytes.length}\n`, bytes, '\n']
  }
  const commits = files.flatMap(({ prefix, file: { path, content } }) => [
    `commit refs/made/${prefix}\ncommitter Ada <ada@example.com> now\n`,
    ...data('Work\n'),
    `from ${start}\nM 100644 inline ${JSON.stringify(path)}\n`,
    ...data(content),
  ])
  const input = Buffer.concat(commits.map(part => Buffer.from(part)))
  const ran = await git([...quickly, 'fast-import', '--quiet', '--date-format=now'], { cwd: dir, input })
  expect(ran, ran.output).toMatchObject(accepted)
}

/** Builds several cases and pushes them to the gate in one git push. */
async function pushTogether(cases: readonly Case[]) {
  const name = `push-${++pushes}`
  const from = join(home, `${name}.git`)
  const prefixed = cases.map((each, i) => ({ each, prefix: `${name}-${i}` }))
  const files = prefixed.flatMap(({ each, prefix }) => ('file' in each ? { prefix, file: each.file() } : []))
  const inClones = await Promise.all(
    prefixed.flatMap(({ each, prefix }) => ('make' in each ? build(each, prefix) : [])),
  )
  await inFolder(home, 'init', '--quiet', '--bare', '--template=', from)
  await mkdir(join(from, 'objects', 'info'), { recursive: true })
  const objects = [join(home, 'template'), ...inClones.map(({ dir }) => dir)].map(dir =>
    join(dir, '.git', 'objects\n'),
  )
  await writeFile(join(from, 'objects', 'info', 'alternates'), objects)
  await commitFiles(from, files)
  const made = files.map(({ prefix, file: { secrets } }) => ({
    prefix,
    secrets,
    refspecs: [`+refs/made/${prefix}:refs/heads/${prefix}/main`],
  }))
  const built = prefixed.map(
    ({ prefix }) =>
      [...inClones, ...made].find(each => each.prefix === prefix) ?? expect.fail('the case was not built'),
  )
  const before = await gate.upstream.refs()
  const push = [
    ...quickly,
    'push',
    '--progress',
    '--porcelain',
    url,
    ...built.flatMap(({ refspecs }) => refspecs),
  ]
  const ran = await git(push, { cwd: from, within: seconds(100) })
  const after = await gate.upstream.refs()
  for (const used of [from, ...inClones.map(({ dir }) => dirname(dir))])
    rmSync(used, { recursive: true, force: true })
  return { built, ran, before, after, record: await recordOf(name) }
}

/** Returns each case with its shared push. The push starts when the first of its cases asks for it. */
function inSharedPushes(cases: readonly Case[], perPush = CASES_PER_PUSH) {
  const pushesStarted: ReturnType<typeof pushTogether>[] = []
  return cases.map(({ name }, i) => ({
    name,
    async pushed() {
      const index = Math.floor(i / perPush)
      pushesStarted[index] ??= pushTogether(cases.slice(index * perPush, (index + 1) * perPush))
      const { built, before, after, ran, record } = await pushesStarted[index]
      const { prefix, secrets } = built[i % perPush] ?? expect.fail('the case was not built')
      const ownOf = <T>(all: readonly T[], ref: (each: T) => string) =>
        all.filter(each => ref(each).includes(`/${prefix}/`))
      return {
        secrets,
        ran,
        record,
        /** git's report of the case's own refs, a line for each: "<flag>\t<from>:<to>\t<summary>" (git-push(1)). */
        reports: ownOf(ran.stdout.split('\n'), line => line),
        refs: ownOf(record.refs, ({ ref }) => ref),
        before: ownOf(Object.entries(before), ([ref]) => ref),
        after: ownOf(Object.entries(after), ([ref]) => ref),
      }
    },
  }))
}

test.concurrent.each(inSharedPushes(caught))('caught: $name', async ({ pushed }) => {
  const { ran, record, reports, refs, secrets, before, after } = await pushed()
  expect(ran).toMatchObject(rejected)
  expect(reports.filter(line => !line.startsWith('!\t'))).toEqual([])
  expect(reports.join('\n')).toContain('secret found')
  expect(after).toEqual(before)
  expect(record.outcome).toBe('refused')
  expect(refs.map(({ reason }) => reason).join('\n')).toContain('secret found')
  // git's own report names each ref as it was pushed. No other output repeats a secret.
  const output = [ran.output, ...reports.map(line => line.split('\t')[2])].join('\n')
  for (const secret of secrets.flatMap(each => [each, JSON.stringify(each).slice(1, -1)])) {
    expect(output).not.toContain(secret)
    expect(JSON.stringify(record)).not.toContain(secret)
    expect(gate.log.join('\n')).not.toContain(secret)
  }
})

test.concurrent.each([...inSharedPushes(clean), ...inSharedPushes(beside, BESIDE_CASES_PER_PUSH)])(
  'clean: $name',
  async ({ pushed }) => {
    const { ran, reports } = await pushed()
    expect(reports.join('\n')).not.toContain('secret found')
    expect(ran).toMatchObject(accepted)
  },
)

test.concurrent.each(inSharedPushes(residue))('known gap: $name', async ({ pushed }) => {
  const { ran, reports } = await pushed()
  expect(reports.join('\n')).not.toContain('secret found')
  expect(ran).toMatchObject(accepted)
})

test('the gate is idle afterwards and accepts a push, and the corpora have their promised size', async () => {
  expect(caught.length).toBeGreaterThanOrEqual(80)
  expect(clean.length + beside.length).toBeGreaterThanOrEqual(40)
  await gate.idle({ within: seconds(30) })
  const ada = await gate.agent('ada', everything)
  expect(await ada.push('refs/heads/after', 'all is well\n')).toMatchObject(accepted)
  expect(await gate.ledger.until(push => push.outcome === 'accepted')).toMatchObject({ findings: [] })
})
