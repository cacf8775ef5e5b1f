import type { RefHistory } from './ref-history.ts'
import { chooseFix, type RefProblem, rewriteSteps, SET_IDENTITY, shortId12 } from './rewrite-history.ts'

const ROTATE =
  'If it was ever a real secret, revoke it where it was issued and make a new one: it has left your machine.'

export interface RefusedRef extends RefProblem {
  readonly ref: string
  /** Its name as it may be shown. */
  readonly displayName: string
  /** The object that it was pushed with, and the one that this names in the end. */
  readonly id: string
  readonly target: string
  /** Undefined: it ends with no new commit. */
  readonly history: RefHistory | undefined
  /** For a tag: a refused branch that brings its commit. */
  readonly branch: RefusedRef | undefined
}

/** What to do about the secrets of a ref, for the very case: the lines with two blanks before them are whole commands. */
export function fixSteps(refused: RefusedRef): string[] {
  const { ref, leaks, history } = refused
  const isTag = ref.startsWith('refs/tags/')
  const inCommits = leaks.filter(({ commits }) => commits.some(id => history?.order.has(id)))
  if (leaks.some(({ kind }) => kind === 'ref name')) {
    if (!history || inCommits.length === 0) return [...rename(refused), ROTATE]
    const firstSteps = isTag ? [`  git checkout --quiet --detach ${shortId12(history.tip)}`] : []
    const rewritten = rewriteSteps(history, { ...refused, leaks: inCommits })
    return [...firstSteps, ...rewritten, ...rename(refused, 'HEAD'), ROTATE]
  }
  if (history && inCommits.length > 0) {
    if (!isTag) return [...rewriteSteps(history, { ...refused, leaks: inCommits }), ROTATE]
    const firstSteps = refused.branch
      ? [`Mend ${refused.branch.displayName} first, as told for it.`]
      : [
          `  git checkout --quiet --detach ${shortId12(history.tip)}`,
          ...rewriteSteps(history, { ...refused, leaks: inCommits }),
        ]
    return [...firstSteps, 'Then move the tag:', `  ${moveTag(refused)}`, ROTATE]
  }
  if (leaks.every(({ kind, commits }) => kind === 'tag' && commits[0] !== refused.target))
    return [...recreateTag(refused), ROTATE]
  return [
    'The tag names something with the secret in it. Tag something without it, a commit say:',
    `  git tag --force ${tagOf(refused)} HEAD`,
    ROTATE,
  ]
}

const quoted = (text: string) => (/^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

const tagOf = ({ ref }: RefusedRef) => quoted(ref.replace(/^refs\/tags\//, ''))

/** Under a name in the same folder, which the grant may ask for. */
function rename({ ref, displayName, id, target }: RefusedRef, source = shortId12(target)): string[] {
  const folders = displayName.split('/').slice(0, -1)
  const folder = folders.length < 2 || /[^\w./-]/.test(folders.join('/')) ? ref.split('/', 2) : folders
  const name = [...folder, 'renamed'].join('/')
  const command =
    ref.startsWith('refs/tags/') && id !== target
      ? `git tag --annotate ${name.replace(/^refs\/tags\//, '')} --message '<message>' ${source} && git push origin ${name}`
      : `git push origin ${source}:${name}`
  return ['Push it under another name:', `  ${command}`]
}

function recreateTag(refused: RefusedRef): string[] {
  const tag = tagOf(refused)
  return [
    ...(refused.leaks.some(({ text }) => text.startsWith('tagger ')) ? [SET_IDENTITY] : []),
    'Make the tag anew, without the secret in it:',
    `  git tag --force --annotate ${tag} --message '<message>' ${tag}^{}`,
  ]
}

/** Where the commits of a tag were written anew. */
function moveTag(refused: RefusedRef): string {
  const { id, target, leaks, history, branch } = refused
  const tag = tagOf(refused)
  const firstParents =
    branch?.history && chooseFix(branch.history, branch) !== 'one commit' ? branch.history.firstParents : []
  const generations = history ? firstParents.indexOf(history.tip) : 0
  const newTarget = generations > 0 ? `HEAD~${generations}` : 'HEAD'
  if (id === target) return `git tag --force ${tag} ${newTarget}`
  const message = leaks.some(({ kind }) => kind === 'tag')
    ? "'<message>'"
    : `"$(git for-each-ref --format='%(contents)' ${quoted(refused.ref)})"`
  return `git tag --force --annotate ${tag} --message ${message} ${newTarget}`
}

/** How to ask for a way through. */
export const exceptionCommands = (repository: string, fingerprints: readonly string[]) =>
  fingerprints.length === 0
    ? []
    : [
        `If it is no secret, ask an operator for an exception${fingerprints.length > 1 ? ', for each one that is none' : ''}:`,
        ...fingerprints.map(
          each => `  git gate exception add ${repository} ${each} --reason '<why it is no secret>'`,
        ),
      ]
