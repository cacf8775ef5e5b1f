import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { secrets } from '../../container/checks/secrets/index.ts'
import { createGit } from '../../container/git/git.ts'
import { maintain } from '../../container/git/maintenance.ts'
import { gitleaks } from '../../test/scan/fixtures/gitleaks.ts'
import { templates, type WorkTree, workTree } from '../../test/scan/fixtures/repositories.ts'
import { compare, ratio, spread } from '../measure.ts'

// Measures the scan of a new commit in a short and in a long history; the target is a ratio below 1.3.
// Repeats it with a commit that is dated before the whole history.

const SIZES = [100, 100_000] as const
const rounds = Number(process.argv[2] ?? 10)
const check = secrets({ gitleaks, seconds: 120, maxBlobBytes: 50 << 20, fingerprintKey: 'bench' })

/** Returns a work tree, and publishes this many commits on its `main`. */
async function withHistory(commits: number): Promise<WorkTree> {
  const tree = await workTree()
  const child = spawn('git', ['fast-import', '--quiet'], {
    cwd: tree.dir,
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  for (let i = 0; i < commits; i++) {
    const from = i === 0 ? 'from refs/heads/main^0\n' : ''
    const identity = `Ada <ada@example.com> ${1_600_000_000 + i} +0000`
    const text = `commit refs/heads/main\ncommitter ${identity}\ndata 7\nChange\n${from}M 100644 inline counter-${i % 100}.txt\ndata 8\n${String(i).padStart(7)}\n\n`
    if (!child.stdin.write(text)) await once(child.stdin, 'drain')
  }
  child.stdin.end()
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`git fast-import ended with ${code}`)
  await tree.git('reset', '--quiet', '--hard')
  await tree.publish('main')
  return tree
}

const YEARS_AGO = '1000000000 +0000'

await using resources = new AsyncDisposableStack()
resources.defer(() => templates.dispose())
const contenders: { name: string; run: (round: number) => Promise<number> }[] = []
for (const commits of SIZES) {
  const tree = await withHistory(commits)
  resources.defer(() => tree.dispose())
  await maintain(createGit(tree.mirror, { PATH: process.env.PATH ?? '' }))
  const scanOf = async (id: string) => {
    const push = await tree.push([`${id}:refs/heads/new`])
    const started = performance.now()
    const refusals = await check.run(push, () => {}, new AbortController().signal)
    if (refusals.length > 0) throw new Error('a clean push was refused')
    return performance.now() - started
  }
  contenders.push({
    name: String(commits),
    async run(round) {
      await tree.write('new.ts', `export const round = ${round}\n`)
      return scanOf(await tree.commit())
    },
  })
  contenders.push({
    name: `${commits}, wrong clock`,
    async run(round) {
      await tree.write('new.ts', `export const slow = ${round}\n`)
      const commit = await tree.git('cat-file', 'commit', await tree.commit())
      await tree.write('../commit', `${commit.replace(/^(committer .*>) .*$/m, `$1 ${YEARS_AGO}`)}\n`)
      return scanOf(await tree.git('hash-object', '-t', 'commit', '-w', '../commit'))
    },
  })
}
const times = await compare(contenders, rounds)
const format = (values: readonly number[]) => {
  const { median, low, high } = spread(values)
  return `${median.toFixed(0)} ms (${low.toFixed(0)}–${high.toFixed(0)})`
}
for (const clock of ['', ', wrong clock']) {
  const [short = [], long = []] = SIZES.map(size => times.get(`${size}${clock}`) ?? [])
  console.log(`| one commit${clock}, into a history of | the scan |\n|---|---|`)
  for (const [i, size] of SIZES.entries())
    console.log(`| ${size} commits | ${format(i === 0 ? short : long)} |`)
  const { median, low, high } = ratio(long, short)
  console.log(`| ratio, round by round | ${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)}) |\n`)
}
