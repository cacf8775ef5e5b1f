import { withoutLikelySecrets } from '../../../src/contract/text/unscanned-text.ts'
import type { Command } from '../../git/command-list.ts'
import type { Commits } from '../objects/new-commits.ts'
import { sanitizeForAgent } from '../sanitize-text.ts'

/** The commands that a remedy shows. */
const MAX_SHOWN = 5

/** Returns the steps that push each branch in two parts: up to the middle of its new commits, then the rest. */
export function pushInParts(commands: readonly Command[], commits: Commits): string[] {
  const parts = commands.flatMap(({ ref, new: tip }) => {
    const middle = middleOf(tip, commits)
    const name = sanitizeForAgent(withoutLikelySecrets(ref))
    return middle === undefined || !ref.startsWith('refs/heads/') || name !== ref
      ? []
      : [`  git push origin ${middle}:${ref}`]
  })
  if (parts.length === 0) return ['Push fewer files at once: split the commit.']
  return [
    'Push it in parts, older commits first; halve them again where that is still too much:',
    ...parts.slice(0, MAX_SHOWN),
    'then push again as you did.',
  ]
}

/** Returns the commit in the middle of a branch's new commits, along first parents; undefined: there is only one. */
function middleOf(tip: string, commits: Commits): string | undefined {
  const line: string[] = []
  for (let id: string | undefined = tip; id !== undefined && commits.has(id); id = commits.get(id)?.[0])
    line.push(id)
  return line.length < 2 ? undefined : line[Math.floor(line.length / 2)]
}
