import type { Finding } from '../../contract/outcome.ts'
import { escapeInvisible } from '../../contract/text/invisible-characters.ts'
import { ObjectId, UntrustedText } from '../components/untrusted-text.tsx'

/** The place of a finding: its path and line, and its commit with the subject. */
export const FindingPlace = ({ finding: { path, line, commit, subject } }: { finding: Finding }) => (
  <p class="location">
    <UntrustedText text={`${path}${line > 0 ? `:${line}` : ''}`} mono />
    {commit && (
      <>
        <span class="muted"> in commit </span>
        <ObjectId id={commit} />
        {subject && (
          <span class="subject">
            {' '}
            <UntrustedText text={subject} />
          </span>
        )}
      </>
    )}
  </p>
)

/** The line of a finding with the secret redacted, and the lines around it. */
export const FindingExcerpt = ({ finding }: { finding: Finding }) => {
  const { line, excerpt, before = [], after = [] } = finding
  const around = (text: string, number: number) => <span data-n={number}>{`${escapeInvisible(text)}\n`}</span>
  return (
    <pre class="excerpt" title="the line, with the secret redacted">
      {before.map((text, index) => around(text, line - before.length + index))}
      <span class="found" {...(line > 0 ? { 'data-n': line } : {})}>
        <UntrustedText text={excerpt || '(no excerpt)'} />
        {'\n'}
      </span>
      {after.map((text, index) => around(text, line + 1 + index))}
    </pre>
  )
}

/** The words of the agent that asks for an exception, where else the secret occurs, and the name of the finding. */
export const FindingNotes = ({ finding }: { finding: Finding }) => (
  <>
    {finding.request !== undefined && (
      <p>
        The agent: <UntrustedText text={finding.request} />
      </p>
    )}
    {finding.alsoAt && (
      <p class="muted small">
        also at <UntrustedText text={finding.alsoAt.join(', ')} mono />
      </p>
    )}
    <p class="muted small">
      fingerprint <UntrustedText text={finding.fingerprint} mono />
    </p>
  </>
)
