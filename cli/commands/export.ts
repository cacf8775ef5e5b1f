import { printResult } from '../output.ts'
import { command, gate } from './context.ts'

export const exportCommand = command('export', 'print the current state of the gate as a file for apply')
  .option('--schema', 'print the JSON Schema of the file instead, for editors')
  .action(async options => {
    // Loaded here for the same reason as in apply.ts.
    const { stringify } = await import('yaml')
    const { describeState } = await import('../apply/describe-state.ts')
    const { fileSchema } = await import('../apply/desired-state.ts')
    const { readCurrentState } = await import('../apply/plan.ts')
    const value = options.schema ? fileSchema() : describeState(await readCurrentState(gate()))
    printResult({ json: options.json || options.schema }, value, () => stringify(value).trimEnd())
  })
