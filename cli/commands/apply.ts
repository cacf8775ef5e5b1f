import { confirm } from '../confirm.ts'
import { readDesiredState } from '../desired-state.ts'
import { Complaint } from '../errors.ts'
import { answer, note, plain } from '../output.ts'
import { planOf, readCurrentState, type Step } from '../plan.ts'
import { command, gate } from './context.ts'

/** How many changes are under way at once. */
const AT_ONCE = 6

export const apply = command('apply <file>', 'make the gate hold what a YAML or JSON file says')
  .option('--dry-run', 'show the plan and change nothing')
  .option('--yes', 'do not ask; without a terminal, or with --json, nothing is asked')
  .option('--prune', 'also remove the agents, grants and repositories that the file does not name')
  .action(
    async (file: string, options: { dryRun?: boolean; yes?: boolean; prune?: boolean; json?: boolean }) => {
      const wanted = readDesiredState(file)
      const client = gate()
      const waves = planOf(client, await readCurrentState(client), wanted, options.prune === true)
      const plan = waves.flat()
      if (!options.json) process.stdout.write(`${plain(plan.map(told).join('\n') || 'nothing to change')}\n`)
      const applied = plan.length > 0 && !options.dryRun && (options.yes || options.json || (await agreed()))
      if (applied) for (const wave of waves) await runAll(wave)
      answer(options, { plan: plan.map(({ run: _, ...step }) => step), applied }, () =>
        applied ? `applied ${plan.length} changes` : '',
      )
    },
  )

const SIGNS = { add: '+', change: '~', remove: '-' } as const
const told = ({ action, kind, name, detail }: Step) =>
  `${SIGNS[action]} ${kind} ${name}${detail ? `: ${detail}` : ''}`

async function agreed(): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return true
  return confirm('Apply this?')
}

/** Runs the steps of a wave, a few at once; after the first that fails none begins, and what was being done is said. */
async function runAll(wave: readonly Step[]): Promise<void> {
  const rest = [...wave]
  const failures: unknown[] = []
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let step = rest.shift(); step && failures.length === 0; step = rest.shift())
        await step.run().catch(error => failures.push(named(step, error)))
    }),
  )
  if (failures.length === 0) return
  note('What stands before this in the plan may have been applied; applying again goes on from there.')
  throw failures[0]
}

const named = (step: Step, error: unknown) =>
  error instanceof Complaint ? new Complaint(`${told(step)}: ${error.message}`, error.fix, error.code) : error
