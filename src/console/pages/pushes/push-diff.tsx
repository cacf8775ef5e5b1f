import type { Context } from 'hono'
import { z } from 'zod'
import { DiffPart, PushDiff } from '../../../contract/companion-api/push-diff.ts'
import { webLinksOf } from '../../../contract/hosts/web-links.ts'
import { findRepository } from '../../../ledger/access/repositories.ts'
import { findPush } from '../../../ledger/pushes/read-pushes.ts'
import type { ConsoleEnv } from '../../auth/env.ts'
import { RefName, UntrustedText } from '../../components/untrusted-text.tsx'
import { CommitList } from '../../diff/commit-list.tsx'
import { FileDiffs } from '../../diff/file-diffs.tsx'
import { createHighlighter } from '../../diff/highlight.ts'
import { type ApiProblem, callApi } from '../../forms/call-api.ts'
import { pathOf } from '../../paths.ts'
import { ErrorMessage, renderPage } from '../frame/layout.tsx'

/** The part of the diff that the page shows; an invalid value selects nothing. */
const Part = z.object({
  commit: DiffPart.shape.commit.catch(undefined),
  path: DiffPart.shape.path.catch(undefined),
})
type Part = z.infer<typeof Part>

/**
 * `GET /pushes/<id>/diff`: the commits and the diff, which only the companion has; with `commit` of that commit, with
 * `path` of that file.
 */
export async function showDiff(c: Context<ConsoleEnv>): Promise<Response> {
  const id = c.req.param('id') ?? ''
  const part = Part.parse(c.req.query())
  const path = `/pushes/${encodeURIComponent(id)}/diff?${parametersOf(part)}`
  const [diff, push] = await Promise.all([
    callApi(c, z.array(PushDiff), 'GET', path),
    findPush(c.env.LEDGER, id),
  ])
  const repository =
    push?.outcome === 'accepted' ? await findRepository(c.env.LEDGER, push.repository) : undefined
  const atHost = repository && webLinksOf(repository)?.commit
  const highlight = createHighlighter()
  return renderPage(c, {
    title: 'Commits and diff',
    section: 'Pushes',
    status: diff.ok ? 200 : diff.problem.code === 'not-found' ? 404 : 502,
    children: (
      <>
        <div class="page-header">
          <h1>Commits and diff</h1>
          <p>
            <a href={pathOf.push(id)}>back to the push</a>
          </p>
        </div>
        {!diff.ok && <Unavailable problem={diff.problem} />}
        {diff.ok && diff.value.length === 0 && <p class="muted">This push only deleted refs.</p>}
        {diff.ok &&
          diff.value.map((of, index) => (
            <RefSection id={id} index={index} of={of} part={part} atHost={atHost} highlight={highlight} />
          ))}
      </>
    ),
  })
}

const Unavailable = ({ problem }: { problem: ApiProblem }) => (
  <>
    <ErrorMessage problem={problem} />
    {problem.code !== 'not-found' && (
      <p class="muted">
        Only the companion can read the commits and the diff, from its mirror. Reload the page in a moment.
      </p>
    )}
  </>
)

interface SectionProps {
  readonly id: string
  /** The place of the ref in the page. */
  readonly index: number
  readonly of: PushDiff
  readonly part: Part
  readonly atHost: ((commit: string) => string) | undefined
  readonly highlight: ReturnType<typeof createHighlighter>
}

const RefSection = ({ id, index, of: { ref, changes }, part, atHost, highlight }: SectionProps) => (
  <section>
    <h2>
      <RefName name={ref} />
    </h2>
    {changes === null ? (
      <p class="muted">
        {part.commit === undefined
          ? 'The companion does not have these commits. It keeps the commits of a refused push for a time, except of a push that the gate refused for the names of its refs.'
          : 'This ref does not have the commit.'}
      </p>
    ) : changes.commits.length === 0 ? (
      <p class="muted">This ref has no new commits.</p>
    ) : (
      <>
        <CommitList
          changes={changes}
          commit={part.commit}
          atHost={atHost}
          pathOfCommit={commit => diffPath(id, { commit })}
        />
        {part.path !== undefined && (
          <p>
            Only <UntrustedText text={part.path} mono />.{' '}
            <a href={diffPath(id, { commit: part.commit })}>Show all files</a>
          </p>
        )}
        <FileDiffs
          changes={changes}
          prefix={`ref-${index}-file`}
          highlight={highlight}
          pathOfFile={path => diffPath(id, { commit: part.commit, path })}
        />
      </>
    )}
  </section>
)

const diffPath = (id: string, part: { commit?: string | undefined; path?: string | undefined }) => {
  const parameters = parametersOf(part).toString()
  return `${pathOf.diff(id)}${parameters && `?${parameters}`}`
}

const parametersOf = (part: { commit?: string | undefined; path?: string | undefined }) =>
  new URLSearchParams(
    Object.entries(part).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
