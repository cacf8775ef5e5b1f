import type { Brought } from './ref-history.ts'
import { exact, type Leaking, mend, WHO, wayFor } from './rewrite-history.ts'

const ROTATE =
  'If it was ever a real secret, revoke it where it was issued and make a new one: it has left your machine.'

export interface Refused extends Leaking {
  readonly ref: string
  /** Its name as it may be shown. */
  readonly shown: string
  /** The object that it was pushed with, and the one that this names in the end. */
  readonly id: string
  readonly target: string
  /** Undefined: it ends with no new commit. */
  readonly brought: Brought | undefined
  /** For a tag: a refused branch that brings its commit. */
  readonly branch: Refused | undefined
}

/** What to do about the secrets of a ref, for the very case: the lines with two blanks before them are whole commands. */
export function remedy(refused: Refused): string[] {
  const { ref, leaks, brought } = refused
  const isTag = ref.startsWith('refs/tags/')
  const inCommits = leaks.filter(({ commits }) => commits.some(id => brought?.order.has(id)))
  if (leaks.some(({ kind }) => kind === 'ref name')) {
    if (!brought || inCommits.length === 0) return [...rename(refused), ROTATE]
    const begin = isTag ? [`  git checkout --quiet --detach ${exact(brought.tip)}`] : []
    const mended = mend(brought, { ...refused, leaks: inCommits })
    return [...begin, ...mended, ...rename(refused, 'HEAD'), ROTATE]
  }
  if (brought && inCommits.length > 0) {
    if (!isTag) return [...mend(brought, { ...refused, leaks: inCommits }), ROTATE]
    const begin = refused.branch
      ? [`Mend ${refused.branch.shown} first, as told for it.`]
      : [
          `  git checkout --quiet --detach ${exact(brought.tip)}`,
          ...mend(brought, { ...refused, leaks: inCommits }),
        ]
    return [...begin, 'Then move the tag:', `  ${moveTag(refused)}`, ROTATE]
  }
  if (leaks.every(({ kind, commits }) => kind === 'tag' && commits[0] !== refused.target))
    return [...tagAnew(refused), ROTATE]
  return [
    'The tag names something with the secret in it. Tag something without it, a commit say:',
    `  git tag --force ${tagOf(refused)} HEAD`,
    ROTATE,
  ]
}

const quoted = (text: string) => (/^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

const tagOf = ({ ref }: Refused) => quoted(ref.replace(/^refs\/tags\//, ''))

/** Under a name in the same folder, which the grant may ask for. */
function rename({ ref, shown, id, target }: Refused, what = exact(target)): string[] {
  const clean = shown.split('/').slice(0, -1)
  const folder = clean.length < 2 || /[^\w./-]/.test(clean.join('/')) ? ref.split('/', 2) : clean
  const name = [...folder, 'renamed'].join('/')
  const command =
    ref.startsWith('refs/tags/') && id !== target
      ? `git tag --annotate ${name.replace(/^refs\/tags\//, '')} --message '<message>' ${what} && git push origin ${name}`
      : `git push origin ${what}:${name}`
  return ['Push it under another name:', `  ${command}`]
}

function tagAnew(refused: Refused): string[] {
  const tag = tagOf(refused)
  return [
    ...(refused.leaks.some(({ text }) => text.startsWith('tagger ')) ? [WHO] : []),
    'Make the tag anew, without the secret in it:',
    `  git tag --force --annotate ${tag} --message '<message>' ${tag}^{}`,
  ]
}

/** Where the commits of a tag were written anew. */
function moveTag(refused: Refused): string {
  const { id, target, leaks, brought, branch } = refused
  const tag = tagOf(refused)
  const kept = branch?.brought && wayFor(branch.brought, branch) !== 'one commit' ? branch.brought.line : []
  const back = brought ? kept.indexOf(brought.tip) : 0
  const to = back > 0 ? `HEAD~${back}` : 'HEAD'
  if (id === target) return `git tag --force ${tag} ${to}`
  const message = leaks.some(({ kind }) => kind === 'tag')
    ? "'<message>'"
    : `"$(git for-each-ref --format='%(contents)' ${quoted(refused.ref)})"`
  return `git tag --force --annotate ${tag} --message ${message} ${to}`
}

/** How to ask for a way through. */
export const askOperator = (repository: string, fingerprints: readonly string[]) =>
  fingerprints.length === 0
    ? []
    : [
        `If it is no secret, ask an operator for an exception${fingerprints.length > 1 ? ', for each one that is none' : ''}:`,
        ...fingerprints.map(
          each => `  git gate exception add ${repository} ${each} --reason '<why it is no secret>'`,
        ),
      ]
