import type { Context } from 'hono'
import { z } from 'zod'
import { PushDiff } from '../../contract/companion-api/push-diff.ts'
import { escapeInvisible } from '../../contract/text/invisible-characters.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { RefName, TextBlock } from '../components/untrusted-text.tsx'
import { type ApiProblem, callApi } from '../forms/call-api.ts'
import { pathOf } from '../paths.ts'
import { ErrorMessage, renderPage } from './layout.tsx'

/** `GET /pushes/<id>/diff`: the commits and the diff, which only the mirror has. */
export async function showDiff(c: Context<ConsoleEnv>): Promise<Response> {
  const id = c.req.param('id') ?? ''
  const diff = await callApi(c, z.array(PushDiff), 'GET', `/pushes/${encodeURIComponent(id)}/diff`)
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
        {diff.ok && diff.value.map(({ ref, changes }) => <RefSection name={ref} changes={changes} />)}
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

const RefSection = ({ name, changes }: { name: string; changes: PushDiff['changes'] }) => (
  <section>
    <h2>
      <RefName name={name} />
    </h2>
    <Changes changes={changes} />
  </section>
)

const Changes = ({ changes }: Pick<PushDiff, 'changes'>) => {
  if (changes === null) return <p class="muted">The mirror no longer has these commits.</p>
  const { commits, diff } = changes
  if (commits.text === '') return <p class="muted">This ref has no new commits.</p>
  return (
    <>
      <TextBlock lines={commits.text.trimEnd().split('\n')} />
      {commits.truncated && <Truncated />}
      <pre class="text-block diff">
        {classifyLines(diff.text.trimEnd().split('\n')).map(({ line, className }) => (
          <span class={className}>{`${escapeInvisible(line)}\n`}</span>
        ))}
      </pre>
      {diff.truncated && <Truncated />}
    </>
  )
}

const Truncated = () => <p class="muted">The rest is not shown.</p>

const LINE_CLASSES: Readonly<Record<string, string>> = { '+': 'added', '-': 'removed', '@': 'hunk' }

/** Returns each line with its CSS class. Lines from `diff` to the first `@@` are the header of a file. */
function classifyLines(lines: readonly string[]) {
  let inHeader = true
  return lines.map(line => {
    inHeader = line.startsWith('diff ') || (inHeader && !line.startsWith('@@'))
    return { line, className: inHeader ? 'file' : (LINE_CLASSES[line[0] ?? ''] ?? '') }
  })
}
