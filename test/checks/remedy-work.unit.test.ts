import { expect, test } from 'vitest'
import { fixSteps, type LeakingRef } from '../../container/checks/remedy/fix-steps.ts'
import { refHistory } from '../../container/checks/remedy/ref-history.ts'
import type { Command } from '../../container/git/command-list.ts'
import { processorMs } from '../harness/processor-time.ts'

const id = (n: number) => n.toString(16).padStart(40, '0')
const COMMITS = 8_000
const LEAKS = 400

test('the steps for hundreds of secrets in a long history take little time on the thread of all sessions', () => {
  const commits = new Map<string, readonly string[]>()
  for (let n = 1; n <= COMMITS; n++) commits.set(id(n), n === 1 ? [] : [id(n - 1)])
  const command = { ref: 'refs/heads/main', old: id(0), new: id(COMMITS) } as unknown as Command
  const leaks = Array.from({ length: LEAKS }, (_, n) => ({
    kind: 'file' as const,
    commits: [id(n * 3 + 1), id(n * 3 + 2)],
    path: `docs/${n}.md`,
    safePath: `docs/${n}.md`,
    line: 1,
    text: 'a line',
  }))
  const changes = leaks.flatMap(({ commits: [commit = ''], path }) =>
    Array.from({ length: 20 }, () => ({ commit, path, mode: '100644' })),
  )
  const refused = {
    repository: 'app',
    ref: command.ref,
    displayName: command.ref,
    id: command.new,
    target: command.new,
    leaks,
    changes,
    branch: undefined,
    history: refHistory(command, { commits, tags: [] }),
  } as unknown as LeakingRef
  const steps: string[] = []
  expect(processorMs(() => steps.push(...fixSteps(refused)))).toBeLessThan(500)
  expect(steps.join('\n')).toContain('squash all commits from')
})
