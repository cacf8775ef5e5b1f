import type { RefHistory } from './ref-history.ts'
import { chooseFix, type RefProblem, rewriteSteps, SET_IDENTITY, shortId12 } from './rewrite-history.ts'

const ROTATE =
  'If it was ever a real secret, revoke it where it was issued and make a new one: it has left your machine.'

export interface RefusedRef extends RefProblem {
  readonly ref: string
  /** The ref's name, redacted. */
  readonly displayName: string
  /** The object that was pushed, and the object that it points to after all tags. */
  readonly id: string
  readonly target: string
  /** Undefined: the ref points to no new commit. */
  readonly history: RefHistory | undefined
  /** For a tag: a refused branch that brings the same commit. */
  readonly branch: RefusedRef | undefined
}

/** Returns the steps that remove the secrets of a ref. Lines that begin with two blanks are whole commands. */
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
      ? [`Fix ${refused.branch.displayName} first, with the steps for it.`]
      : [
          `  git checkout --quiet --detach ${shortId12(history.tip)}`,
          ...rewriteSteps(history, { ...refused, leaks: inCommits }),
        ]
    return [...firstSteps, 'Then move the tag:', `  ${moveTag(refused)}`, ROTATE]
  }
  if (leaks.every(({ kind, commits }) => kind === 'tag' && commits[0] !== refused.target))
    return [...recreateTag(refused), ROTATE]
  return [
    'The tag points to an object with the secret. Tag an object without it, for example a commit:',
    `  git tag --force ${tagOf(refused)} HEAD`,
    ROTATE,
  ]
}

const quoted = (text: string) => (/^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

const tagOf = ({ ref }: RefusedRef) => quoted(ref.replace(/^refs\/tags\//, ''))

/** Suggests a name in the same folder, which the grant may require. */
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
    'Recreate the tag without the secret:',
    `  git tag --force --annotate ${tag} --message '<message>' ${tag}^{}`,
  ]
}

/** Returns the command that moves a tag after its commits were rewritten. */
function moveTag(refused: RefusedRef): string {
  const { id, target, leaks, history, branch } = refused
  const tag = tagOf(refused)
  const firstParents =
    branch?.history && chooseFix(branch.history, branch) !== 'squash' ? branch.history.firstParents : []
  const generations = history ? firstParents.indexOf(history.tip) : 0
  const newTarget = generations > 0 ? `HEAD~${generations}` : 'HEAD'
  if (id === target) return `git tag --force ${tag} ${newTarget}`
  const message = leaks.some(({ kind }) => kind === 'tag')
    ? "'<message>'"
    : `"$(git for-each-ref --format='%(contents)' ${quoted(refused.ref)})"`
  return `git tag --force --annotate ${tag} --message ${message} ${newTarget}`
}

/** Returns the commands with which an operator grants exceptions. */
export const exceptionCommands = (repository: string, fingerprints: readonly string[]) =>
  fingerprints.length === 0
    ? []
    : [
        fingerprints.length > 1
          ? 'For each that is not a secret, ask an operator for an exception:'
          : 'If it is not a secret, ask an operator for an exception:',
        ...fingerprints.map(
          fingerprint =>
            `  git gate exception add ${repository} ${fingerprint} --reason '<why it is not a secret>'`,
        ),
      ]
