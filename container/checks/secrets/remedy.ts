import type { Item } from './packs.ts'
import type { Whereabouts } from './whereabouts.ts'

const ROTATE =
  'If it was ever a real secret, revoke it where it was issued and make a new one: it has left your machine.'

/**
 * What to do about a secret, for the very case: the command lines are whole and need no editor. `path` is as it may be
 * shown; `undefined` when the name itself holds the secret.
 */
export function remedy(item: Item, path: string | undefined, where: Whereabouts | undefined): string[] {
  if (item.kind === 'ref name')
    return ['Push under another name:', '  git push <remote> HEAD:refs/heads/<another-name>', ROTATE]
  if (item.kind === 'tag') {
    const tag = item.ref?.replace(/^refs\/tags\//, '') ?? '<tag>'
    return [
      'Make the tag anew, without the secret in it:',
      `  git tag --force --annotate ${quoted(tag)} --message '<message>' ${quoted(tag)}^{}`,
      ROTATE,
    ]
  }
  const fix = change(item, path)
  if (!where) return [fix.words, `  ${fix.command}`, ROTATE]
  const lines: string[] = []
  if (where.cameWith) {
    const { merge, parent, parentId } = where.cameWith
    lines.push(
      `It came in with the merge ${short(merge)}, through its parent ${parent} (${short(parentId)}).`,
    )
  }
  if (where.isTip) {
    if (where.isMerge && item.kind === 'file')
      lines.push('The merge itself holds it: no parent has this version of the file.')
    return [...lines, fix.words, `  ${fix.command}`, ROTATE]
  }
  const id = short(item.commit)
  const onto = where.isRoot ? '--root' : `${id}^`
  const merges = where.underMerges || where.isMerge ? '--rebase-merges ' : ''
  const stop = where.isMerge ? `/^merge -C ${id}/a break` : `s/^pick ${id}/edit ${id}/`
  if (where.isMerge) lines.push(`The merge ${id} itself holds it: no parent has this version.`)
  return [
    ...lines,
    'Stop the rebase at that commit:',
    `  GIT_SEQUENCE_EDITOR="sed -i '${stop}'" git rebase --interactive ${merges}${onto}`,
    fix.words,
    `  ${fix.command} && git rebase --continue`,
    ROTATE,
  ]
}

function change(item: Item, path: string | undefined): { words: string; command: string } {
  switch (item.kind) {
    case 'commit message':
      return {
        words: 'Write the message anew, without the secret:',
        command: "git commit --amend --message '<message>'",
      }
    case 'commit header':
      return {
        words: 'Set user.name and user.email to what they should be, then write the commit anew:',
        command: 'git commit --amend --no-edit --reset-author',
      }
    case 'file name':
      return {
        words: 'Give the file a name without the secret:',
        command: 'git mv <the file> <another name> && git commit --amend --no-edit',
      }
    default: {
      const file = path === undefined ? '<the file>' : quoted(path)
      return {
        words: `Take the secret out of ${path ?? 'the file'} (read it from the environment, say), then:`,
        command: `git add -- ${file} && git commit --amend --no-edit`,
      }
    }
  }
}

const short = (id: string) => id.slice(0, 7)
const quoted = (text: string) => (/^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

/** How to ask for a way through. */
export const askOperator = (repository: string, fingerprint: string) => [
  'If it is no secret, ask an operator for an exception:',
  `  git gate exception add ${repository} ${fingerprint} --reason '<why it is no secret>'`,
]
