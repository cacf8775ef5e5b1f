import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { secrets } from '../../container/checks/secrets/index.ts'
import { gitleaks } from '../../test/scan/fixtures/gitleaks.ts'
import { git, quarantine, stage, stagedPush, ZERO } from './real-repository.ts'

// Counts the findings in the first import of real repositories by rule, beside `gitleaks git` over the same commits:
// node bench/scan/scan-alarms.ts REPOSITORY... [--list]. A secret at one path counts once, however many commits have it.

const check = secrets({ gitleaks, seconds: 3600, maxBlobBytes: 500 << 20, fingerprintKey: 'bench' })
const Report = z.array(
  z.object({ RuleID: z.string(), File: z.string(), Secret: z.string(), Commit: z.string() }),
)

interface Found {
  readonly rule: string
  readonly place: string
}

async function byGate(home: string, tip: string): Promise<Found[]> {
  const push = stagedPush(home, ZERO, tip)
  await mkdir(push.scratch, { recursive: true })
  await check.run(push, () => {}, new AbortController().signal)
  const once = new Map(push.record.findings.map(finding => [finding.fingerprint, finding]))
  return [...once.values()].map(({ rule, path, line, commit }) => ({
    rule,
    place: `${path}:${line} ${commit}`,
  }))
}

function byGitleaks(home: string, tip: string): Found[] {
  const report = join(home, 'report.json')
  const args = ['git', '--no-banner', '--exit-code', '0', '--report-format', 'json', '--report-path', report]
  const { status, stderr } = spawnSync(gitleaks, [...args, '--log-opts', tip, join(home, 'mirror.git')], {
    cwd: home,
  })
  if (status !== 0) throw new Error(`gitleaks failed: ${stderr}`)
  const found = Report.parse(JSON.parse(readFileSync(report, 'utf8')))
  const once = new Map(found.map(leak => [`${leak.RuleID} ${leak.File} ${leak.Secret}`, leak]))
  return [...once.values()].map(({ RuleID, File, Commit }) => ({ rule: RuleID, place: `${File} ${Commit}` }))
}

function rulesOf(found: readonly Found[]): string {
  const byRule = [...Map.groupBy(found, ({ rule }) => rule)].map(([rule, { length }]) => ({ rule, length }))
  return byRule
    .toSorted((a, b) => b.length - a.length)
    .map(({ rule, length }) => `${rule} ${length}`)
    .join(', ')
}

console.log(
  '| repository | commits | git-gate | gitleaks | rules of the gate | rules of gitleaks |\n|---|---|---|---|---|---|',
)
for (const repository of process.argv.slice(2).filter(arg => !arg.startsWith('--'))) {
  const { home, tip } = await stage(repository)
  try {
    const commits = Number(git(join(home, 'mirror.git'), 'rev-list', '--count', tip))
    await quarantine(home, ZERO, tip)
    const [gate, peer] = [await byGate(home, tip), byGitleaks(home, tip)]
    console.log(
      `| ${repository} | ${commits} | ${gate.length} | ${peer.length} | ${rulesOf(gate)} | ${rulesOf(peer)} |`,
    )
    if (process.argv.includes('--list'))
      for (const { rule, place } of gate) console.error(`${repository} ${rule} ${place}`)
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}
