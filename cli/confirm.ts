import { createInterface } from 'node:readline/promises'

/** Asks a yes-or-no question on the terminal. The default is no. */
export async function confirm(question: string): Promise<boolean> {
  using terminal = createInterface({ input: process.stdin, output: process.stdout })
  return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim())
}
