import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { placesOf } from '../../../cli/completion/words.ts'
import { program } from '../../../cli/program.ts'
import { gitGate } from '../command.ts'

let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gate-completion-'))
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout, stderr } = await gitGate(['completion', shell], { env: {} })
    expect(stderr).toBe('')
    writeFileSync(join(folder, shell), stdout)
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** git's own completion, where its package puts it. */
const GITS = '/usr/share/bash-completion/completions/git'

/** Completes the last word of a line as bash does on Tab. */
function complete(...words: readonly string[]): string[] {
  const isGit = words[0] === 'git'
  const script = [
    ...(isGit ? [`. ${GITS}`] : []),
    `. ${folder}/bash`,
    `COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=\${#COMP_LINE} COMPREPLY=()`,
    isGit ? '__git_wrap__git_main' : '_git_gate_alone',
    `printf '%s\\n' "\${COMPREPLY[@]}"`,
  ]
  const listed = execFileSync('bash', ['--norc', '-c', script.join('\n'), 'bash', ...words], {
    encoding: 'utf8',
  })
  return listed.split('\n').filter(Boolean)
}

test('bash completes commands, options, choices and files of git-gate', () => {
  const commands = program.commands.map(command => command.name())
  expect(complete('git-gate', '')).toEqual(expect.arrayContaining(commands))
  expect(complete('git-gate', 'repo', 's')).toEqual(['set', 'show'])
  expect(complete('git-gate', 'repo', 'add', 'app', '--up')).toEqual(['--upstream'])
  expect(complete('git-gate', 'push', 'list', '--outcome', '')).toContain('refused')
  expect(complete('git-gate', 'completion', '')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']))
  writeFileSync(join(folder, 'gate file.yaml'), '')
  expect(complete('git-gate', 'apply', join(folder, 'gate'))).toEqual([join(folder, 'gate file.yaml')])
  expect(complete('git-gate', 'repo', 'add', '--known-hosts', join(folder, 'ba'))).toEqual([
    join(folder, 'bash'),
  ])
})

test.skipIf(!existsSync(GITS))('git’s own completion completes git gate', () => {
  expect(complete('git', 'gate', 'pu')).toEqual(['push'])
  expect(complete('git', 'gate', 'push', 'list', '--out')).toEqual(['--outcome'])
  expect(complete('git', '-C', '/tmp', 'gate', 'tok')).toEqual(['token'])
})

const has = (shell: string) => existsSync(`/usr/bin/${shell}`) || existsSync(`/bin/${shell}`)

test.each(['bash', 'zsh', 'fish'])('%s reads its completion, which names every command', async shell => {
  const { stdout } = await gitGate(['completion', shell], { env: {} })
  for (const { path, words } of placesOf(program)) {
    expect(stdout).toContain(`'${path}'`)
    for (const { word } of words) expect(stdout).toContain(word)
  }
  if (has(shell)) execFileSync(shell, ['-n', join(folder, shell)])
})

test.skipIf(!has('fish'))('fish completes git gate, and no other command of git with a word gate', () => {
  const inFish = (line: string) =>
    execFileSync('fish', ['-c', `source ${folder}/fish; complete -C'${line}'`], { encoding: 'utf8' })
  expect(inFish('git-gate repo s')).toMatch(/^set\t.*\nshow\t/)
  expect(inFish('git -C /tmp gate tok')).toMatch(/^token\t/)
  expect(inFish('git push gate ')).not.toMatch(/^export\t/m)
})
