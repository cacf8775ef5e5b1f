import { plural } from '../../src/contract/text/plural.ts'
import type { DesiredState } from '../apply/desired-state.ts'
import type { Step } from '../apply/step.ts'
import { confirm } from '../confirm.ts'
import { CliError } from '../errors.ts'
import { printNote, printResult, stripControl } from '../output.ts'
import { command, gate } from './context.ts'

/** The limit of concurrent changes. */
const MAX_CONCURRENT_CHANGES = 6

export const apply = command('apply <file>', 'change the gate to match a YAML or JSON file')
  .option('--dry-run', 'show the plan and change nothing')
  .option('--yes', 'do not ask; without a terminal, or with --json, nothing is asked')
  .option('--prune', 'also remove the agents, grants and repositories that the file does not name')
  .action(
    async (file: string, options: { dryRun?: boolean; yes?: boolean; prune?: boolean; json?: boolean }) => {
      // Loaded here: YAML and the file's schema would take a quarter of the start of every command.
      const { correction, readDesiredState } = await import('../apply/desired-state.ts')
      const { createPlan, readCurrentState } = await import('../apply/plan.ts')
      const wanted = readDesiredState(file)
      const client = gate()
      if (options.prune) assertNotEmpty(file, wanted)
      const stages = createPlan(client, await readCurrentState(client), wanted, options.prune === true)
      const plan = stages.flat()
      if (!options.json)
        process.stdout.write(`${stripControl(plan.map(formatStep).join('\n') || 'nothing to change')}\n`)
      if (options.dryRun) await checkAll(plan, correction(file))
      const applied = plan.length > 0 && !options.dryRun && (options.yes || options.json || (await agreed()))
      if (applied) for (const stage of stages) await runAll(stage, correction(file))
      printResult(options, { plan: plan.map(({ run: _, check: __, ...step }) => step), applied }, () =>
        applied ? `applied ${plural(plan.length, 'change')}` : '',
      )
    },
  )

/** An empty file is a mistake, such as a failed template: with --prune it would remove everything. */
function assertNotEmpty(file: string, { repositories, agents }: DesiredState): void {
  if (repositories.length === 0 && agents.length === 0)
    throw new CliError(
      `${file} names no repository and no agent, and --prune would remove all of them`,
      'Remove them one by one, or name at least one that stays',
    )
}

/** Throws an error that names each step of the plan that the gate would refuse. */
async function checkAll(plan: readonly Step[], fix: string): Promise<void> {
  const failures: string[] = []
  for (const step of plan)
    await step.check?.().catch((error: unknown) => {
      if (!(error instanceof CliError)) throw error
      failures.push(`${formatStep(step)}: ${error.message}${error.fix ? `\n  ${error.fix}` : ''}`)
    })
  if (failures.length > 0) throw new CliError(`the gate would refuse:\n${failures.join('\n')}`, fix)
}

const SIGNS = { add: '+', change: '~', remove: '-' } as const
const formatStep = ({ action, kind, name, detail }: Step) =>
  `${SIGNS[action]} ${kind} ${name}${detail ? `: ${detail}` : ''}`

async function agreed(): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return true
  return confirm('Apply this?')
}

/**
 * Runs the steps of a stage concurrently. After a failure, starts no further step and throws the first error, with `fix`
 * if the gate refuses a value.
 */
async function runAll(stage: readonly Step[], fix: string): Promise<void> {
  const rest = [...stage]
  const failures: unknown[] = []
  await Promise.all(
    Array.from({ length: MAX_CONCURRENT_CHANGES }, async () => {
      for (let step = rest.shift(); step && failures.length === 0; step = rest.shift())
        await step.run().catch(error => failures.push(withStep(step, error, fix)))
    }),
  )
  if (failures.length === 0) return
  printNote('Earlier steps of the plan may have been applied. Apply again to continue.')
  throw failures[0]
}

/** Names the step of an error. The fault of a value is the file's, and `fix` corrects it. */
const withStep = (step: Step, error: unknown, fix: string) =>
  error instanceof CliError
    ? new CliError(
        `${formatStep(step)}: ${error.message}`,
        error.code === 'bad-request' ? fix : error.fix,
        error.code,
      )
    : error
