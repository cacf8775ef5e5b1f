// npm run deploy: deploys the gate to Cloudflare, after every possible check.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { Command } from 'commander'
import { parse } from 'smol-toml'
import { z } from 'zod'
import { readSettings as readCompanionSettings } from '../container/settings.ts'
import { readSettings as readWorkerSettings } from '../src/common/settings.ts'
import { unknownSetting } from './unknown-setting.ts'
import { projectRoot } from './worker/bundle.ts'

const options = new Command('npm run deploy --')
  .description('Deploys the gate to Cloudflare, after checking all that can be checked first.')
  .option('--check', 'stop before the first change')
  .option('--json', 'print the checks as lines of JSON')
  .parse()
  .opts<{ check?: true; json?: true }>()

const run = promisify(execFile)
const program = (name: string) => path.join(projectRoot, 'node_modules', name)
const wrangler = program('wrangler/bin/wrangler.js')
const PRODUCTION = ['--env', 'production']

/** A failed check, with its fix. */
class CheckFailed extends Error {}

const capture = (command: string, args: readonly string[]) =>
  run(command, args, { cwd: projectRoot, maxBuffer: 64 << 20 }).then(({ stdout }) => stdout)

/** Runs wrangler with its output in view. */
async function runInherited(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [wrangler, ...args], { cwd: projectRoot, stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new CheckFailed(`wrangler ${args.slice(0, 3).join(' ')} failed`)
}

const orCheckFailed = (work: Promise<string>, remedy: string) =>
  work.catch((error: Error & { stdout?: string; stderr?: string }) => {
    const output = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim().split('\n').slice(-5).join('\n')
    throw new CheckFailed(output ? `${output}\n${remedy}` : remedy)
  })

const Production = z.object({
  env: z.object({
    production: z.object({
      d1_databases: z.array(z.object({ database_id: z.string() })),
      r2_buckets: z.array(z.object({ binding: z.string(), bucket_name: z.string() })).default([]),
      vars: z.record(z.string(), z.unknown()).default({}),
    }),
  }),
})
const production = () =>
  Production.parse(parse(fs.readFileSync(path.join(projectRoot, 'wrangler.toml'), 'utf8'))).env.production
/** Placeholders for required settings that are not in wrangler.toml. */
const PLACEHOLDERS = { GATE_PASS_KEY: '-'.repeat(64), GATE_ADMIN_TOKEN: '-'.repeat(64), GATE_HOME: '/' }
/** The loss without a bucket, by its binding. */
const WITHOUT_BUCKET: Readonly<Record<string, string>> = {
  MIRROR_SEEDS: 'cold starts are then longer',
  HELD_PUSHES: 'a push whose container stops while it waits for an approval must be pushed again',
}
const Secrets = z.array(z.object({ name: z.string() }))

const checks: readonly (readonly [string, () => Promise<unknown>])[] = [
  [
    'the work tree is committed, so that this version can be found again',
    async () => {
      if (await capture('git', ['status', '--porcelain']))
        throw new CheckFailed('commit or stash your changes: git status')
    },
  ],
  [
    'the settings in wrangler.toml are valid',
    async () => {
      const { vars } = production()
      const texts = Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, String(value)]))
      const unknown = unknownSetting(texts)
      if (unknown) throw new CheckFailed(`[env.production.vars] of wrangler.toml, ${unknown}`)
      for (const read of [readWorkerSettings, readCompanionSettings]) {
        const tried = read({ ...texts, ...PLACEHOLDERS })
        if (!tried.ok) throw new CheckFailed(`[env.production.vars] of wrangler.toml, ${tried.problem}`)
      }
    },
  ],
  [
    'the Worker and the companion pass the type check',
    async () => {
      const tsc = program('typescript/bin/tsc')
      const remedy = 'fix the type errors, or deploy a version that passes npm test'
      await orCheckFailed(
        capture(process.execPath, [
          wrangler,
          'types',
          '--include-runtime=false',
          'src/worker-configuration.d.ts',
        ]),
        remedy,
      )
      for (const config of ['src/tsconfig.json', 'tsconfig.json'])
        await orCheckFailed(capture(process.execPath, [tsc, '-p', config]), remedy)
    },
  ],
  [
    'wrangler can bundle the Worker for production, with its container',
    () =>
      orCheckFailed(
        capture(process.execPath, [
          wrangler,
          'deploy',
          '--dry-run',
          ...PRODUCTION,
          '--containers-rollout=none',
        ]),
        'correct [env.production] in wrangler.toml',
      ),
  ],
  [
    'wrangler.toml names the ledger',
    async () => {
      if (production().d1_databases.some(({ database_id }) => /^[0-]+$/.test(database_id)))
        throw new CheckFailed(
          'npx wrangler d1 create git-gate, then put its database_id into [[env.production.d1_databases]] of wrangler.toml',
        )
    },
  ],
  [
    'Docker answers, to build the image',
    () => orCheckFailed(capture('docker', ['info']), 'start Docker, or another engine with its command line'),
  ],
  [
    'wrangler may act for an account',
    () => orCheckFailed(capture(process.execPath, [wrangler, 'whoami']), 'npx wrangler login'),
  ],
  [
    'the buckets of mirror seeds and held pushes exist',
    async () => {
      for (const { binding, bucket_name } of production().r2_buckets)
        await orCheckFailed(
          capture(process.execPath, [wrangler, 'r2', 'bucket', 'info', bucket_name]),
          `npx wrangler r2 bucket create ${bucket_name}, or take its [[env.production.r2_buckets]] out of wrangler.toml: ${WITHOUT_BUCKET[binding] ?? ''}`,
        )
    },
  ],
  [
    'the Worker has its secrets',
    async () => {
      const putCommand = (name: string) =>
        `openssl rand -hex 32 | npx wrangler secret put ${name} --env production   # keep a copy of GATE_ADMIN_TOKEN`
      const listed = await orCheckFailed(
        capture(process.execPath, [wrangler, 'secret', 'list', ...PRODUCTION, '--format', 'json']),
        `${putCommand('GATE_PASS_KEY')}\n${putCommand('GATE_ADMIN_TOKEN')}`,
      )
      const names = new Set(Secrets.parse(JSON.parse(listed)).map(({ name }) => name))
      const missing = ['GATE_PASS_KEY', 'GATE_ADMIN_TOKEN'].filter(name => !names.has(name))
      if (missing.length) throw new CheckFailed(missing.map(putCommand).join('\n'))
    },
  ],
]

/** Prints the result of a check, and its fix. */
function printCheck(check: string, fix?: string): void {
  if (options.json) console.log(JSON.stringify({ check, ok: fix === undefined, ...(fix && { fix }) }))
  else if (fix === undefined) console.log(` ✓ ${check}`)
  else console.error(` × ${check}\n${fix}`)
}

try {
  for (const [name, check] of checks) {
    try {
      await check()
    } catch (error) {
      if (!(error instanceof CheckFailed)) throw error
      printCheck(name, error.message)
      process.exit(1)
    }
    printCheck(name)
  }
  if (!options.check) {
    // Migrations only add, so the old Worker keeps working while they run.
    await runInherited(['d1', 'migrations', 'apply', 'LEDGER', '--remote', ...PRODUCTION])
    await runInherited(['deploy', ...PRODUCTION])
    console.log('deployed; running containers are replaced in the next minutes, each after its last session')
  }
} catch (error) {
  if (!(error instanceof CheckFailed)) throw error
  console.error(error.message)
  process.exitCode = 1
}
