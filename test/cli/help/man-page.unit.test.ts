import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { program } from '../../../cli/program.ts'

// git looks for the page git-gate on `git gate --help`, and man finds it beside the command on PATH.
test('the manual page names every command; npm run man writes it again', () => {
  const page = readFileSync(new URL('../../../cli/man/man1/git-gate.1', import.meta.url), 'utf8')
  for (const command of program.commands)
    expect(page).toContain(`.B git gate ${command.name().replaceAll('-', '\\-')}`)
})
