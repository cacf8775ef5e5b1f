import { createInterface } from 'node:readline/promises'

/** Asks a question on the terminal; anything but yes is no. */
export async function confirm(question: string): Promise<boolean> {
  using terminal = createInterface({ input: process.stdin, output: process.stdout })
  return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim())
}
