import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { projectRoot } from '../../local/worker/bundle.ts'
import { git, gitText } from '../harness/index.ts'
import { start, stateFolder } from './launcher.ts'

/** Reads the commands of a section of the README: its lines that begin with `$ `. */
function commandsOf(heading: string): string[] {
  const readme = fs.readFileSync(path.join(projectRoot, 'README.md'), 'utf8')
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return section.split('\n').flatMap(line => (line.startsWith('$ ') ? [line.slice(2)] : []))
}

test("the README's first push is accepted, and its first refusal refuses", async () => {
  using home = stateFolder()
  const gate = await start(path.join(home.dir, 'state'))
  const type = (commands: readonly string[], cwd: string) =>
    // Git runs the shell, with the identity and the configuration of the tests.
    git(['-c', `alias.typed=!cd '${cwd}' && ${commands.join(' && ')}`, 'typed'], { cwd })
  const [clone = '', ...push] = commandsOf('First push')
  const { origin, password } = new URL(gate.lines.clone ?? '')
  expect(clone).toContain('http://127.0.0.1:8787/demo.git')
  const typed = clone.replaceAll('http://127.0.0.1:8787', origin).replace(/gate_[^']+/, password)
  expect((await type([typed], home.dir)).output).not.toContain('fatal')
  const work = path.join(home.dir, 'demo')
  const pushed = await type(push, work)
  expect(pushed.output).toContain('git-gate: upstream has accepted the push')
  const refused = await type(commandsOf('First refusal'), work)
  expect(refused.output).toContain(
    'git-gate: refused refs/heads/demo-agent/hello: secret found: github-pat in settings.py:1',
  )
  expect(
    await gitText(['ls-tree', '--name-only', 'demo-agent/hello'], { cwd: gate.lines.upstream ?? '' }),
  ).not.toContain('settings.py')
})
