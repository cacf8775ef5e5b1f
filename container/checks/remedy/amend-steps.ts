import { stopAt } from '../../git/clone-commands.ts'
import type { CommitProblems } from './commit-problems.ts'

export const stopAtTip = (tip: string): string[] => [
  'Check the pushed commit out (uncommitted work is put aside until the last command):',
  `  ${stopAt(tip)}`,
]

export const SET_IDENTITY = 'Set user.name and user.email to the right values.'
export const RESET_AUTHOR = 'git commit --amend --quiet --allow-empty --no-edit --reset-author'
export const CONTINUE = 'git rebase --continue'

/** Returns the steps that rewrite the commit at which a rebase has stopped. */
export function amendSteps(problems: CommitProblems, parents: number): string[] {
  const { files, names, message, identity, header } = problems
  const parentArgs = Array.from({ length: parents }, (_, i) => ` -p HEAD^${i + 1}`).join('')
  // The command names no file, so that a file that was removed from git stays removed.
  const amend = `git commit --amend${files.size ? ' --all' : ''} --allow-empty ${message ? "--message '<message>'" : '--no-edit'}${identity ? ' --reset-author' : ''}`
  const amends = files.size > 0 || names.size > 0 || message || identity
  return [
    ...manualEdits(problems),
    ...(message ? ['Write a new message without the secret:'] : []),
    ...(amends ? [`  ${amend}${header ? '' : ` && ${CONTINUE}`}`] : []),
    ...(header
      ? [
          'Recreate the commit, since git commit --amend keeps its headers:',
          `  git reset --soft "$(git log -1 --format=%B | git commit-tree 'HEAD^{tree}'${parentArgs})" && ${CONTINUE}`,
        ]
      : []),
  ]
}

/** Returns the edits that are made by hand before a commit is written. */
export function manualEdits({
  files,
  names,
  identity,
}: Pick<CommitProblems, 'files' | 'names' | 'identity'>): string[] {
  const list = (paths: ReadonlySet<string>) => [...paths].join(', ')
  return [
    ...(files.size
      ? [`Take the secret out of ${list(files)} (for example, read it from the environment), then:`]
      : []),
    ...(names.size ? [`Rename ${list(names)} with git mv to a name without the secret, then:`] : []),
    ...(identity ? [SET_IDENTITY] : []),
  ]
}
