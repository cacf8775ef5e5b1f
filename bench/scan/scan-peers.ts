import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { secrets } from '../../container/checks/secrets/index.ts'
import { type Case, makeIn } from '../../test/scan/corpus/case.ts'
import { beside, caught, clean } from '../../test/scan/corpus/index.ts'
import { gitleaks } from '../../test/scan/fixtures/gitleaks.ts'
import { templates, type WorkTree, workTree } from '../../test/scan/fixtures/repositories.ts'

/** The peers' command lines, from their documentation or source. */
const peers: Readonly<Record<string, (old: string, id: string) => string>> = {
  'old..new': (old, id) => (/^0+$/.test(old) ? id : `${old}..${id}`),
  '--first-parent old..new': (old, id) => `--first-parent ${/^0+$/.test(old) ? id : `${old}..${id}`}`,
  'new --not --all': (_, id) => `${id} --not --all`,
}

const check = secrets({ gitleaks, seconds: 120, maxBlobBytes: 50 << 20, fingerprintKey: 'bench' })

/** Pushes one case. Returns for the gate and each peer whether it refuses. */
async function verdicts(each: Case): Promise<Record<string, boolean>> {
  const tree: WorkTree = await workTree()
  const report = await mkdtemp(join(tmpdir(), 'git-gate-peers-'))
  try {
    const made = await makeIn(tree, each)
    const push = await tree.push(made.refspecs)
    const refused: Record<string, boolean> = {}
    for (const [name, range] of Object.entries(peers)) {
      refused[name] = push.commands.some(command => {
        if (/^0+$/.test(command.new)) return false
        const args = [
          'git',
          '--no-banner',
          '--log-opts',
          range(command.old, command.new),
          '--exit-code',
          '1',
          push.git.dir,
        ]
        return spawnSync(gitleaks, args, { cwd: report, env: { ...push.git.env } }).status !== 0
      })
    }
    const refusals = await check.run(push, () => {}, new AbortController().signal)
    return { 'git-gate': refusals.length > 0, ...refused }
  } finally {
    await tree.dispose()
    await rm(report, { recursive: true, force: true })
  }
}

async function count(cases: readonly Case[]): Promise<Record<string, number>> {
  const refused: Record<string, number> = {}
  for (const each of cases)
    for (const [name, is] of Object.entries(await verdicts(each)))
      refused[name] = (refused[name] ?? 0) + Number(is)
  return refused
}

const harmless = [...clean, ...beside]
const [found, falsely] = [await count(caught), await count(harmless)]
await templates.dispose()
console.log(`| scan | caught of ${caught.length} | falsely refused of ${harmless.length} |\n|---|---|---|`)
for (const name of Object.keys(found)) console.log(`| ${name} | ${found[name]} | ${falsely[name]} |`)
