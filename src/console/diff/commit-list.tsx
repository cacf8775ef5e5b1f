import type { Changes } from '../../contract/companion-api/push-diff.ts'
import { escapeInvisible } from '../../contract/text/invisible-characters.ts'
import { plural } from '../../contract/text/plural.ts'
import { RelativeTime } from '../components/relative-time.tsx'
import { ObjectId, UntrustedText } from '../components/untrusted-text.tsx'

interface Props {
  readonly changes: Changes
  /** The commit whose diff is shown; undefined: that of all commits. */
  readonly commit: string | undefined
  /** Returns the page with the diff of one commit, or of all. */
  readonly pathOfCommit: (commit: string | undefined) => string
  /** Returns the page of a commit at the upstream's host; undefined: upstream does not have it. */
  readonly atHost: ((commit: string) => string) | undefined
}

/** The commits that a push brought to a ref, newest first, with links to their diffs. */
export const CommitList = ({ changes: { commits, hasMoreCommits }, commit, pathOfCommit, atHost }: Props) => (
  <>
    <h3>
      {plural(commits.length, 'commit')}
      {hasMoreCommits && ' and more'}
    </h3>
    <ol class="commits">
      {commits.map(({ id, subject, author, email, at }) => (
        <li>
          <a href={pathOfCommit(id)} {...(id === commit ? { 'aria-current': 'true' as const } : {})}>
            <UntrustedText text={subject || '(no subject)'} />
          </a>
          <span class="muted">
            <ObjectId id={id} href={atHost?.(id)} /> by{' '}
            <span title={escapeInvisible(email)}>
              <UntrustedText text={author} />
            </span>{' '}
            {Number.isNaN(Date.parse(at)) ? '' : <RelativeTime iso={new Date(at).toISOString()} />}
          </span>
        </li>
      ))}
    </ol>
    {commit !== undefined && (
      <p>
        Only the diff of this commit is shown. <a href={pathOfCommit(undefined)}>Show all commits together</a>
      </p>
    )}
  </>
)
