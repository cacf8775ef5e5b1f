import { stringify } from 'yaml'
import { describeState } from '../apply/describe-state.ts'
import { fileSchema } from '../apply/desired-state.ts'
import { readCurrentState } from '../apply/plan.ts'
import { printResult } from '../output.ts'
import { command, gate } from './context.ts'

export const exportCommand = command('export', 'print the file for apply that describes the present state')
  .option('--schema', 'print the JSON Schema of the file instead, for editors')
  .action(async options => {
    const value = options.schema ? fileSchema() : describeState(await readCurrentState(gate()))
    printResult({ json: options.json || options.schema }, value, () => stringify(value).trimEnd())
  })
