import { randomBytes } from 'node:crypto'
import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { GateFault } from '../../container/checks/check.ts'
import { secrets } from '../../container/checks/secrets/index.ts'
import { until } from '../harness/index.ts'
import { zip } from './fixtures/archives.ts'
import { fakeCommand } from './fixtures/fake-command.ts'
import { githubToken, prose } from './fixtures/fakes.ts'
import { gitleaks } from './fixtures/gitleaks.ts'
import { templates, type WorkTree, workTree } from './fixtures/repositories.ts'

const settings = { gitleaks, seconds: 90, maxBlobBytes: 50 << 20, fingerprintKey: 'a key for tests' }
/** Nothing is small enough to be searched where the sessions live. */
const apart = { ...settings, inProcessLimits: { maxObjects: 0 } }
const never = new AbortController().signal

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

const fakeGitleaks = (script: string) => fakeCommand(folder, 'gitleaks', script)

/** A process that has ended may still wait for whoever reaps here. */
async function hasEnded(pidFile: string): Promise<true | undefined> {
  const pid = (await readFile(pidFile, 'utf8')).trim()
  const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => 'gone')
  return /^gone$|\) Z /.test(state) || undefined
}

/** The processor time of all processes that this one has started and that have ended (proc_pid_stat(5), cutime). */
async function childrensMs(): Promise<number> {
  const stat = await readFile('/proc/self/stat', 'utf8')
  const ticksASecond = 100
  return (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[13]) * 1000) / ticksASecond
}

test('a large push is searched to its end, and takes next to nothing of the sessions’ own thread', async () => {
  const lines = Array.from({ length: 20_000 }, () => randomBytes(60).toString('base64')).join('\n')
  const [plain, hidden] = [githubToken(), githubToken()]
  await tree.write('a.txt', `${lines}\n${plain}\n`)
  await tree.write('b.bin', zip({ 'c.txt': `${prose(3_000_000)}${hidden}\n` }))
  await tree.commit()
  const push = await tree.push(['main'])
  const [own, others] = [process.threadCpuUsage(), await childrensMs()]
  const [refusal] = await secrets(settings).run(push, () => {}, never)
  const ownMs = process.threadCpuUsage(own).user / 1000
  const othersMs = (await childrensMs()) - others
  expect(refusal?.reason).toMatch(/^secret found/)
  expect(push.record.findings.map(({ path, line }) => `${path}:${line}`)).toEqual(
    expect.arrayContaining(['a.txt:20001', expect.stringMatching(/^b\.bin!c\.txt:/)]),
  )
  expect(ownMs).toBeLessThan(othersMs / 4)
})

test('a small push that turns out to be large is searched anew, in a process of its own', async () => {
  const secret = githubToken()
  await tree.write('small.zip', zip({ 'a.txt': 'x\n'.repeat(2_000_000), 'b.txt': `${secret}\n` }))
  await tree.commit()
  const push = await tree.push(['main'])
  expect(await secrets(settings).run(push, () => {}, never)).toHaveLength(1)
  expect(push.record.findings).toMatchObject([{ path: 'small.zip!b.txt' }])
  expect(await readdir(push.scratch)).toEqual([])
})

test('a small push that takes long to look at is searched in a process of its own, for whatever reason it does', async () => {
  const secret = githubToken()
  await tree.write('a.txt', Buffer.from(`${'x\x9cK'.repeat(20_000)}\n${secret}\n`, 'latin1'))
  await tree.write('b.txt', prose(200_000))
  await tree.commit()
  const parents = join(folder, 'parents')
  const by = { ...settings, gitleaks: await fakeGitleaks(`echo $PPID >> ${parents}; exec ${gitleaks} "$@"`) }
  const late = {
    maxMs: 0,
    maxBytes: 1 << 20,
    maxObjects: 1_000,
    maxUnpackedBytes: 1 << 20,
    maxUnpacks: 30_000,
  }
  for (const each of [by, { ...by, inProcessLimits: late }]) {
    const push = await tree.push(['main'])
    const own = process.threadCpuUsage()
    expect(await secrets(each).run(push, () => {}, never)).toHaveLength(1)
    expect(push.record.findings).toMatchObject([{ path: 'a.txt', line: 2 }])
    expect(process.threadCpuUsage(own).user / 1000).toBeLessThan(1_500)
  }
  expect((await readFile(parents, 'utf8')).split('\n')).not.toContain(`${process.pid}`)
})

test('here and in a process of its own the same is found, and the same is known', async () => {
  await tree.write('old.txt', `${githubToken()}\n`)
  await tree.commit()
  await tree.publish('main')
  await tree.git('mv', 'old.txt', 'moved.txt')
  await tree.git('tag', '--annotate', 'v1', '--message', `Release ${githubToken()}`)
  await tree.write('new.txt', `${githubToken()}\n`)
  await tree.commit(`With ${githubToken()}`)
  const found = async (by: Parameters<typeof secrets>[0]) => {
    const push = await tree.push(['main', 'refs/tags/v1'])
    await secrets(by).run(push, () => {}, never)
    return push.record.findings
  }
  const here = await found(settings)
  expect(here.map(finding => finding.path).sort()).toEqual(['commit message', 'new.txt', 'tag v1'])
  expect(await found(apart)).toEqual(here)
})

test.each<[string, string, RegExp]>([
  ['is killed', 'kill -9 $$', /gitleaks ended with SIGKILL/],
  ['answers with an unknown exit code', `${gitleaks} "$@"; exit 126`, /ended with 126/],
  ['reads one file less', `rm -f ./1-*; exec ${gitleaks} "$@"`, /has read \d+ of \d+ bytes/],
])(
  'apart from the sessions, gitleaks %s: the push is refused, as the gate’s fault',
  async (_, script, saying) => {
    await tree.write('a.txt', prose(200_000))
    await tree.commit()
    const push = await tree.push(['main'])
    const run = secrets({ ...apart, gitleaks: await fakeGitleaks(script) }).run(push, () => {}, never)
    await expect(run).rejects.toThrow(saying)
    await expect(run).rejects.toBeInstanceOf(GateFault)
    expect(await readdir(push.scratch)).toEqual([])
  },
)

test('a search whose memory is not enough refuses the push, as the gate’s fault, and the gate lives on', async () => {
  await tree.write('a.txt', Array.from({ length: 20_000 }, () => githubToken()).join('\n'))
  await tree.commit()
  const push = await tree.push(['main'])
  const run = secrets({ ...apart, childHeapMib: 12 }).run(push, () => {}, never)
  await expect(run).rejects.toBeInstanceOf(GateFault)
  await expect(run).rejects.toMatchObject({
    cause: { message: expect.stringMatching(/without an answer \(SIG/) },
  })
  expect(await readdir(push.scratch)).toEqual([])
})

test('apart from the sessions, a deadline ends gitleaks and all it has started, and so does an agent that goes away', async () => {
  const pid = join(folder, 'pid')
  const hangs = await fakeGitleaks(`sleep 1000 & echo $! > ${pid}; wait`)
  await tree.write('a.txt', 'a\n')
  await tree.commit()
  const push = await tree.push(['main'])
  const late = secrets({ ...apart, gitleaks: hangs, seconds: 4 }).run(push, () => {}, never)
  await expect(late).rejects.toThrow(/within 4 s/)
  await until(
    () => hasEnded(pid),
    5_000,
    () => 'gitleaks still runs',
  )
  await rm(pid)

  const gone = new AbortController()
  const again = await tree.push(['main'])
  const left = secrets({ ...apart, gitleaks: hangs }).run(again, () => {}, gone.signal)
  left.catch(() => {})
  const there = () =>
    access(pid).then(
      () => true as const,
      () => undefined,
    )
  await until(there, 30_000, () => 'gitleaks does not start')
  gone.abort(new Error('the agent is gone'))
  await expect(left).rejects.toThrow(/stopped/)
  await until(
    () => hasEnded(pid),
    5_000,
    () => 'gitleaks still runs',
  )
  expect(await readdir(again.scratch)).toEqual([])
})

test('a limit is the agent’s to keep, apart from the sessions too', async () => {
  await tree.write('a.txt', prose(3_000_000))
  await tree.commit()
  const push = await tree.push(['main'])
  const [refusal] = await secrets({ ...apart, maxBlobBytes: 1 << 20 }).run(push, () => {}, never)
  expect(refusal).toMatchObject({ reason: 'too much to scan', ref: 'refs/heads/main' })
})

test('a search whose process is killed refuses the push, as the gate’s fault, and leaves no gitleaks', async () => {
  const pid = join(folder, 'pid')
  // The earliest that it can happen: nobody may have heard yet that there is a gitleaks.
  const hangs = await fakeGitleaks(
    `echo $$ > ${pid}; [ $PPID = ${process.pid} ] || kill -9 $PPID; exec sleep 1000`,
  )
  await tree.write('a.txt', 'a\n')
  await tree.commit()
  const push = await tree.push(['main'])
  const run = secrets({ ...apart, gitleaks: hangs }).run(push, () => {}, never)
  await expect(run).rejects.toBeInstanceOf(GateFault)
  await expect(run).rejects.toMatchObject({
    cause: { message: expect.stringMatching(/without an answer \(SIGKILL\)/) },
  })
  await until(
    () => hasEnded(pid),
    5_000,
    () => 'gitleaks still runs',
  )
  expect(await readdir(push.scratch)).toEqual([])
})

test('twenty thousand secrets are refused, and telling of them takes no time', async () => {
  const line = () => `${githubToken()}\n`
  await tree.write('dump.txt', Array.from({ length: 20_000 }, line).join(''))
  await tree.commit()
  const push = await tree.push(['main'])
  const own = process.threadCpuUsage()
  const [refusal] = await secrets(settings).run(push, () => {}, never)
  expect(refusal?.reason).toMatch(/^secret found: .* and 499 more$/)
  expect(push.record.findings).toHaveLength(500)
  expect(process.threadCpuUsage(own).user / 1000).toBeLessThan(4_000)
})
