import { execFile } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Clone } from '../harness/index.ts'

/** The end of a refused push after a script has followed the printed lines alone. */
export type Recovery = { by: 'itself' } | { by: 'a person'; words: string } | { by: 'none'; output: string }

export interface Ran {
  readonly code: number
  readonly output: string
}

/** Called with each command line and its output. */
export type OnRun = (line: string, ran: Ran) => void

const MAX_ROUNDS = 4

/**
 * Follows a refusal by its words alone: runs each printed command in a shell without an editor and without perl, blanks
 * each line that holds a secret (but keeps a false alarm), and pushes again as before, until the push is accepted or a
 * person is needed.
 */
export async function recover(
  work: Clone,
  push: readonly string[],
  { isFalseAlarm = false, onRun = () => {} }: { isFalseAlarm?: boolean | undefined; onRun?: OnRun } = {},
): Promise<Recovery> {
  const run = async (command: string, args: readonly string[], line = [command, ...args].join(' ')) => {
    const ran = await runIn(work.dir, command, args)
    onRun(line, ran)
    return ran
  }
  let last = await run('git', push)
  for (let round = 0; round < MAX_ROUNDS && last.code !== 0; round += 1) {
    const steps = printedSteps(last.output)
    const words = steps.find(step => /nothing (?:else )?you can do/i.test(step))
    if (words !== undefined && (isFalseAlarm || !steps.some(isCommand))) return { by: 'a person', words }
    let pushed: Ran | undefined
    for (const step of steps) {
      if (!isCommand(step)) editByHand(work.dir, step)
      else {
        const ran = await run('sh', ['-c', step.trim()], step.trim())
        if (step.startsWith('  git push ')) pushed = ran
        else if (ran.code !== 0 && words !== undefined) return { by: 'a person', words }
        else if (ran.code !== 0) return { by: 'none', output: `${last.output}\n$ ${step}\n${ran.output}` }
      }
    }
    last = pushed ?? (await run('git', push))
  }
  return last.code === 0 ? { by: 'itself' } : { by: 'none', output: last.output }
}

/** The lines of the refusals, with the repeated steps in place of a reference to them. */
function printedSteps(output: string): string[] {
  const lines = output
    .split(/\n|\r/)
    .flatMap(line => /^remote: git-gate:(?: {3})?(.*?)\s*(?:\x1b\[K)?$/.exec(line)?.[1] ?? [])
  const byRef = new Map<string, string[]>()
  let current: string[] = []
  for (const line of lines) {
    const [, ref] = /^ ?refused (refs\/\S+):/.exec(line) ?? []
    if (ref) {
      current = []
      byRef.set(ref, current)
    }
    const [, same] = /^The same steps as for (\S+)\.$/.exec(line) ?? []
    current.push(...(same ? (byRef.get(same) ?? []) : [line]))
    if (!ref && byRef.size === 0) byRef.set('', current)
  }
  return [...byRef.values()].flat()
}

const isCommand = (step: string) => /^ {2}(?:git |GIT_SEQUENCE_EDITOR=)/.test(step)

/** Follows a printed line: blanks lines, or renames files. */
function editByHand(dir: string, step: string): void {
  for (const [, file = '', line = ''] of /^Take the secret out of/.test(step)
    ? step.matchAll(/([\w./-]+):(\d+)/g)
    : []) {
    const lines = fs.readFileSync(path.join(dir, file), 'utf8').split('\n')
    lines[Number(line) - 1] = 'none'
    fs.writeFileSync(path.join(dir, file), lines.join('\n'))
  }
}

/** Runs a program as an agent's shell does, without an editor and without perl. */
export const runIn = (cwd: string, command: string, args: readonly string[]) =>
  new Promise<Ran>(resolve => {
    execFile(
      command,
      [...args],
      {
        cwd,
        env: {
          PATH: `${withoutPerl()}:${process.env.PATH}`,
          HOME: os.tmpdir(),
          LC_ALL: 'C.UTF-8',
          GIT_CONFIG_NOSYSTEM: '1',
          GIT_CONFIG_GLOBAL: '/dev/null',
          GIT_TERMINAL_PROMPT: '0',
          GIT_EDITOR: 'false',
        },
      },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code) || 1, output: stdout + stderr }),
    )
  })

let perlFolder: string | undefined
/** A folder whose perl does not run. */
function withoutPerl(): string {
  if (perlFolder) return perlFolder
  perlFolder = fs.mkdtempSync('/tmp/no-perl-')
  fs.writeFileSync(path.join(perlFolder, 'perl'), '#!/bin/sh\nexit 127\n', { mode: 0o755 })
  return perlFolder
}
