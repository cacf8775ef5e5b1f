import { randomBytes } from 'node:crypto'
import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { GateFault } from '../../container/checks/check.ts'
import { secrets } from '../../container/checks/secrets/index.ts'
import { until } from '../harness/index.ts'
import { zip } from './fixtures/archives.ts'
import { fakeCommand } from './fixtures/fake-command.ts'
import { githubToken, prose } from './fixtures/fakes.ts'
import { gitleaks } from './fixtures/gitleaks.ts'
import { type PassChanges, templates, type WorkTree, workTree } from './fixtures/repositories.ts'

const settings = { gitleaks, seconds: 90, maxBlobBytes: 50 << 20, fingerprintKey: 'a key for tests' }
/** Settings under which every push is scanned in a child process. */
const inChild = { ...settings, inProcessLimits: { maxObjects: 0 } }
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

/** Returns true when a process has ended. It may still be a zombie. */
async function hasEnded(pidFile: string): Promise<true | undefined> {
  const pid = (await readFile(pidFile, 'utf8')).trim()
  const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => 'gone')
  return /^gone$|\) Z /.test(state) || undefined
}

/** Returns the processor time of all ended child processes in milliseconds (proc_pid_stat(5), cutime). */
async function childrensMs(): Promise<number> {
  const stat = await readFile('/proc/self/stat', 'utf8')
  const ticksASecond = 100
  return (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[13]) * 1000) / ticksASecond
}

test('a large push is scanned to its end, with little time on the sessions’ own thread', async () => {
  const lines = Array.from({ length: 20_000 }, () => randomBytes(60).toString('base64')).join('\n')
  const [plain, hidden] = [githubToken(), githubToken()]
  await tree.write('a.txt', `${lines}\n${plain}\n`)
  await tree.write('b.bin', zip({ 'c.txt': `${prose(3_000_000)}${hidden}\n` }))
  await tree.commit()
  const push = await tree.push(['main'])
  const [ownBefore, childrenBefore] = [process.threadCpuUsage(), await childrensMs()]
  const [refusal] = await secrets(settings).run(push, () => {}, never)
  const ownMs = process.threadCpuUsage(ownBefore).user / 1000
  const childMs = (await childrensMs()) - childrenBefore
  expect(refusal?.reason).toMatch(/^secret found/)
  expect(push.record.findings.map(({ path, line }) => `${path}:${line}`)).toEqual(
    expect.arrayContaining(['a.txt:20001', expect.stringMatching(/^b\.bin!c\.txt:/)]),
  )
  expect(ownMs).toBeLessThan(childMs / 4)
})

test('a large push after an exception is scanned where the first one had secrets, and all of it under other rules', async () => {
  const check = secrets(inChild)
  for (let i = 0; i < 20; i++) await tree.write(`${i}.txt`, prose(20_000))
  await tree.write('a.txt', `${githubToken()}\n`)
  await tree.commit()
  const scan = async (pass: PassChanges) => {
    const push = await tree.push(['main'], pass)
    const refusals = await check.run(push, () => {}, never)
    return { isRefused: refusals.length > 0, push, bytes: push.record.scanned.bytes }
  }
  const first = await scan({})
  expect(first.isRefused).toBe(true)
  const exceptions = first.push.record.findings.map(({ fingerprint }) => ({
    id: 'EXC1',
    fingerprint,
    until: null,
  }))
  const second = await scan({ exceptions })
  expect(second.isRefused).toBe(false)
  expect(second.bytes).toBeLessThan(first.bytes / 20)
  const gitleaksConfig = "[[rules]]\nid = 'made-up'\nregex = 'made up'\nkeywords = ['made']\n"
  const third = await scan({ exceptions, gitleaksConfig })
  expect(third.bytes).toBeGreaterThan(first.bytes / 2)
})

test('a small push that unpacks to a large one is scanned in a child process', async () => {
  const secret = githubToken()
  await tree.write('small.zip', zip({ 'a.txt': 'x\n'.repeat(2_000_000), 'b.txt': `${secret}\n` }))
  await tree.commit()
  const push = await tree.push(['main'])
  expect(await secrets(settings).run(push, () => {}, never)).toHaveLength(1)
  expect(push.record.findings).toMatchObject([{ path: 'small.zip!b.txt' }])
  expect(await readdir(push.scratch)).toEqual([])
})

test('a small push that takes long to scan is scanned in a child process', async () => {
  const secret = githubToken()
  await tree.write('a.txt', Buffer.from(`${'x\x9cK'.repeat(20_000)}\n${secret}\n`, 'latin1'))
  await tree.write('b.txt', prose(200_000))
  await tree.commit()
  const parents = join(folder, 'parents')
  const by = { ...settings, gitleaks: await fakeGitleaks(`echo $PPID >> ${parents}; exec ${gitleaks} "$@"`) }
  const tight = {
    maxMs: 0,
    maxBytes: 1 << 20,
    maxObjects: 1_000,
    maxUnpackedBytes: 1 << 20,
    maxUnpacks: 30_000,
  }
  for (const each of [by, { ...by, inProcessLimits: tight }]) {
    const push = await tree.push(['main'])
    const ownBefore = process.threadCpuUsage()
    expect(await secrets(each).run(push, () => {}, never)).toHaveLength(1)
    expect(push.record.findings).toMatchObject([{ path: 'a.txt', line: 2 }])
    expect(process.threadCpuUsage(ownBefore).user / 1000).toBeLessThan(1_500)
  }
  expect((await readFile(parents, 'utf8')).split('\n')).not.toContain(`${process.pid}`)
})

test('a scan in a child process has the same findings as one on this thread', async () => {
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
  const inProcess = await found(settings)
  expect(inProcess.map(finding => finding.path).sort()).toEqual(['commit message', 'new.txt', 'tag v1'])
  expect(await found(inChild)).toEqual(inProcess)
})

test.each<[string, string, RegExp]>([
  ['is killed', 'kill -9 $$', /gitleaks ended with SIGKILL/],
  ['answers with an unknown exit code', `${gitleaks} "$@"; exit 126`, /ended with 126/],
  ['reads one file less', `rm -f ./1-*; exec ${gitleaks} "$@"`, /has read \d+ of \d+ bytes/],
])(
  'when gitleaks in a child process %s, the push is refused as the gate’s fault',
  async (_, script, saying) => {
    await tree.write('a.txt', prose(200_000))
    await tree.commit()
    const push = await tree.push(['main'])
    const run = secrets({ ...inChild, gitleaks: await fakeGitleaks(script) }).run(push, () => {}, never)
    await expect(run).rejects.toThrow(saying)
    await expect(run).rejects.toBeInstanceOf(GateFault)
    expect(await readdir(push.scratch)).toEqual([])
  },
)

test('a child process that runs out of memory refuses the push as the gate’s fault, and the companion goes on', async () => {
  await tree.write('a.txt', Array.from({ length: 20_000 }, () => githubToken()).join('\n'))
  await tree.commit()
  const push = await tree.push(['main'])
  const run = secrets({ ...inChild, childHeapMib: 12 }).run(push, () => {}, never)
  await expect(run).rejects.toBeInstanceOf(GateFault)
  await expect(run).rejects.toMatchObject({
    cause: { message: expect.stringMatching(/without an answer \(SIG/) },
  })
  expect(await readdir(push.scratch)).toEqual([])
})

describe('a push that two threads scan', () => {
  const shared = { ...inChild, minSharedBytes: 0 }
  /** Commits two files of one size, of which each thread gets one. */
  const commitTwo = async (content: (file: string) => string | Buffer, name = 'txt') => {
    for (const file of ['a', 'b']) await tree.write(`${file}.${name}`, content(file))
    await tree.commit()
    return tree.push(['main'])
  }

  test('has the findings of both', async () => {
    const push = await commitTwo(() => `${prose(1_000)}${githubToken()}\n`)
    expect(await secrets(shared).run(push, () => {}, never)).toHaveLength(1)
    expect(push.record.findings.map(({ path }) => path).sort()).toEqual(['a.txt', 'b.txt'])
  })

  test('is refused as the gate’s fault when gitleaks fails for the second', async () => {
    const script = `case "$PWD" in */share/*) kill -9 $$;; esac; exec ${gitleaks} "$@"`
    const push = await commitTwo(() => prose(1_000))
    const run = secrets({ ...shared, gitleaks: await fakeGitleaks(script) }).run(push, () => {}, never)
    await expect(run).rejects.toThrow(/gitleaks ended with SIGKILL/)
    await expect(run).rejects.toBeInstanceOf(GateFault)
    expect(await readdir(push.scratch)).toEqual([])
  })

  test('leaves no gitleaks of the second when the first fails', async () => {
    const pid = join(folder, 'pid')
    const script = `case "$PWD" in */share/*) echo $$ > ${pid}; exec sleep 1000;; esac
      until [ -s ${pid} ]; do sleep 0.01; done; exit 1`
    const push = await commitTwo(() => prose(1_000))
    const run = secrets({ ...shared, gitleaks: await fakeGitleaks(script) }).run(push, () => {}, never)
    await expect(run).rejects.toThrow(/gitleaks ended with 1$/)
    await until(
      () => hasEnded(pid),
      5_000,
      () => 'gitleaks still runs',
    )
  })

  test('keeps the limits of one push', async () => {
    const text = 'text\n'.repeat(50)
    const push = await commitTwo(file => zip({ [`1${file}`]: text, [`2${file}`]: text }), 'zip')
    const run = (maxUnpacks: number) => secrets({ ...shared, maxUnpacks }).run(push, () => {}, never)
    expect(await run(4)).toEqual([])
    expect(await run(3)).toMatchObject([{ reason: 'too much to scan' }])
  })
})

test('a deadline or a disconnect ends a child process, gitleaks and its children', async () => {
  const pid = join(folder, 'pid')
  const hanging = await fakeGitleaks(`sleep 1000 & echo $! > ${pid}; wait`)
  await tree.write('a.txt', 'a\n')
  await tree.commit()
  const push = await tree.push(['main'])
  const tight = secrets({ ...inChild, gitleaks: hanging, seconds: 10 }).run(push, () => {}, never)
  await expect(tight).rejects.toThrow(/made no progress for 10 s/)
  await until(
    () => hasEnded(pid),
    5_000,
    () => 'gitleaks still runs',
  )
  await rm(pid)

  const disconnect = new AbortController()
  const secondPush = await tree.push(['main'])
  const disconnected = secrets({ ...inChild, gitleaks: hanging }).run(secondPush, () => {}, disconnect.signal)
  disconnected.catch(() => {})
  const isStarted = () =>
    access(pid).then(
      () => true as const,
      () => undefined,
    )
  await until(isStarted, 30_000, () => 'gitleaks does not start')
  disconnect.abort(new Error('the agent has disconnected'))
  await expect(disconnected).rejects.toThrow(/stopped/)
  await until(
    () => hasEnded(pid),
    5_000,
    () => 'gitleaks still runs',
  )
  expect(await readdir(secondPush.scratch)).toEqual([])
})

test('a limit that a child process finds refuses the push without a fault', async () => {
  await tree.write('a.txt', prose(3_000_000))
  await tree.commit()
  const push = await tree.push(['main'])
  const [refusal] = await secrets({ ...inChild, maxBlobBytes: 1 << 20 }).run(push, () => {}, never)
  expect(refusal).toMatchObject({ reason: 'too much to scan', ref: 'refs/heads/main' })
})

test('a killed child process refuses the push as the gate’s fault, and leaves no gitleaks', async () => {
  const pid = join(folder, 'pid')
  // The child is killed as early as possible: before it has reported that gitleaks runs.
  const hanging = await fakeGitleaks(
    `echo $$ > ${pid}; [ $PPID = ${process.pid} ] || kill -9 $PPID; exec sleep 1000`,
  )
  await tree.write('a.txt', 'a\n')
  await tree.commit()
  const push = await tree.push(['main'])
  const run = secrets({ ...inChild, gitleaks: hanging }).run(push, () => {}, never)
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

test('twenty thousand secrets are refused within seconds', async () => {
  const line = () => `${githubToken()}\n`
  await tree.write('dump.txt', Array.from({ length: 20_000 }, line).join(''))
  await tree.commit()
  const push = await tree.push(['main'])
  const ownBefore = process.threadCpuUsage()
  const [refusal] = await secrets(settings).run(push, () => {}, never)
  expect(refusal?.reason).toMatch(/^secret found: .* and 499 more$/)
  expect(push.record.findings).toHaveLength(500)
  expect(process.threadCpuUsage(ownBefore).user / 1000).toBeLessThan(4_000)
})
