/**
 * Commands for an agent's clone. The gate knows neither the clone's branch nor its remote: the commands find both. They
 * need git and a POSIX shell.
 */

/** The id as it is printed for people, and as git's todo list of a rebase begins. */
export const shortId7 = (id: string) => id.slice(0, 7)
/** The id as it is printed in commands. */
export const shortId12 = (id: string) => id.slice(0, 12)

/** A path or name as one word of a shell command. */
export const shellWord = (text: string) =>
  /^[\w./@%+=:,-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", "'\\''")}'`

/** The local branch that holds a pushed commit, first the one that is checked out; without any the commit itself. */
export const branchAt = (tip: string) =>
  `$(git for-each-ref --count=1 --sort=-HEAD --format='%(refname:short)' --points-at=${shortId12(tip)} refs/heads | grep . || echo ${shortId12(tip)})`

/** The remote of the clone that leads to a repository of the gate; without any the first remote. */
export const remoteOf = (repository: string) =>
  `"$({ git remote -v | grep -F -e '/${repository} ' -e '/${repository}.git '; git remote -v; } | cut -f1 | head -n 1)"`

/**
 * Checks out the pushed commit, as a rebase that stops there: uncommitted work is put aside, and
 * `git rebase --continue` moves the pushed branch and brings the work back.
 */
export const stopAt = (tip: string) =>
  `GIT_SEQUENCE_EDITOR='echo break >' git rebase --interactive --autostash ${shortId12(tip)} ${branchAt(tip)}`

/** The last of several steps. */
export const THEN_PUSH_AGAIN = 'Then push again, as before.'
/** The only step. */
export const PUSH_AGAIN = 'push again'

export const UPSTREAM_MOVED = 'upstream has moved since you fetched'
export const MOVED_SO_REBASE = `${UPSTREAM_MOVED}; fetch and rebase, then ${PUSH_AGAIN}`

/** Agents tend to add a commit that removes what was refused. */
export const LATER_COMMIT_DOES_NOT_HELP =
  'A later commit that deletes or reverts it does not help: every new commit is checked.'

/** Rebases the pushed branch onto upstream's present state of it. */
export const rebaseOntoUpstream = (repository: string, { ref, new: tip }: { ref: string; new: string }) =>
  `git fetch ${remoteOf(repository)} ${shellWord(ref)} && git rebase --autostash FETCH_HEAD ${branchAt(tip)}`
