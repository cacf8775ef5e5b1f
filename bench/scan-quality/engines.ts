import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { gitleaks } from '../../test/scan/fixtures/gitleaks.ts'
import { scanTexts } from '../../test/scan/fixtures/scan-texts.ts'
import type { Sample } from './sets.ts'

/** The rules that an engine reports for each sample. */
export type Found = readonly (readonly string[])[]

export interface Engine {
  readonly name: string
  readonly scan: (samples: readonly Sample[]) => Promise<Found>
}

const gate: Engine = {
  name: 'git-gate',
  scan: async samples =>
    (await scanTexts(samples)).map(matches => {
      const secrets = matches.filter(({ reason }) => reason === undefined)
      return [...new Map(secrets.map(({ rule, secret }) => [secret, rule])).values()]
    }),
}

interface Reported {
  readonly file: string
  readonly rule: string
}

/** An engine that scans a folder in one process. */
const inFolder = (name: string, run: (folder: string, report: string) => Reported[]): Engine => ({
  name,
  async scan(samples) {
    const home = mkdtempSync(join(tmpdir(), 'git-gate-quality-'))
    const folder = join(home, 'files')
    try {
      for (const [i, { path, content }] of samples.entries()) {
        mkdirSync(join(folder, String(i)), { recursive: true })
        writeFileSync(join(folder, String(i), basename(path)), content)
      }
      const found: string[][] = samples.map(() => [])
      for (const { file, rule } of run(folder, join(home, 'report'))) {
        const index = /(?:^|\/)(\d+)\/[^/]+$/.exec(file)?.[1]
        found[Number(index)]?.push(rule)
      }
      return found
    } finally {
      rmSync(home, { recursive: true, force: true })
    }
  },
})

const GitleaksReport = z.array(z.object({ RuleID: z.string(), File: z.string() }))

const plainGitleaks = inFolder('gitleaks', (folder, report) => {
  const args = [
    'dir',
    '.',
    '--no-banner',
    '--exit-code',
    '0',
    '--report-format',
    'json',
    '--report-path',
    report,
  ]
  const { status, stderr } = spawnSync(gitleaks, args, { cwd: folder })
  if (status !== 0) throw new Error(`gitleaks failed: ${stderr}`)
  const leaks = GitleaksReport.parse(JSON.parse(readFileSync(report, 'utf8')) ?? [])
  return leaks.map(({ RuleID, File }) => ({ rule: RuleID, file: File }))
})

const BetterleaksFinding = z.object({
  finding: z.object({ rule_id: z.string(), location: z.object({ path: z.string() }) }),
})

const betterleaks = inFolder('betterleaks', (folder, report) => {
  const file = `${report}.jsonl`
  const args = ['.', '--no-banner', '--silent', '--exit-code=0', '-o', file]
  const { status, stderr } = spawnSync('betterleaks', args, { cwd: folder })
  if (status !== 0) throw new Error(`betterleaks failed: ${stderr}`)
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap(line => (line === '' ? [] : (BetterleaksFinding.safeParse(JSON.parse(line)).data ?? [])))
    .map(({ finding }) => ({ rule: finding.rule_id, file: finding.location.path }))
})
const KingfisherFinding = z.object({
  rule: z.object({ id: z.string() }),
  finding: z.object({ path: z.string() }),
})

const kingfisher = inFolder('kingfisher', (folder, report) => {
  const args = ['scan', folder, '--format', 'jsonl', '--output', report, '--no-validate', '--no-update-check']
  const { status, stderr } = spawnSync('kingfisher', args, { maxBuffer: 256 << 20 })
  // 200 and 205 say that there are findings.
  if (status !== 0 && status !== 200 && status !== 205) throw new Error(`kingfisher failed: ${stderr}`)
  return readFileSync(report, 'utf8')
    .split('\n')
    .flatMap(line => (line.startsWith('{') ? (KingfisherFinding.safeParse(JSON.parse(line)).data ?? []) : []))
    .map(({ rule, finding }) => ({ rule: rule.id, file: finding.path }))
})

const isOnPath = (command: string) => spawnSync(command, ['--version']).error === undefined

/** The gate, plain gitleaks, and the others that are on PATH. */
export const engines = (): Engine[] => [
  gate,
  plainGitleaks,
  ...(isOnPath('betterleaks') ? [betterleaks] : []),
  ...(isOnPath('kingfisher') ? [kingfisher] : []),
]
