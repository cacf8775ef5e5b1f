import type { Context } from 'hono'
import { z } from 'zod'
import { visible } from '../../contract/invisible-characters.ts'
import { PushDiff } from '../../contract/push-diff.ts'
import type { ConsoleEnv } from '../auth/env.ts'
import { RefName, Said } from '../components/untrusted-text.tsx'
import { askApi } from '../forms/call-api.ts'
import { pathOf } from '../paths.ts'
import { Complaint, page } from './layout.tsx'

/** `GET /pushes/<id>/introduced`: the commits and the diff, read from the mirror now; the ledger keeps neither. */
export async function showIntroduced(c: Context<ConsoleEnv>): Promise<Response> {
  const id = c.req.param('id') ?? ''
  const asked = await askApi(c, z.array(PushDiff), 'GET', `/pushes/${encodeURIComponent(id)}/introduced`)
  return page(c, {
    title: 'What a push brought',
    room: 'Pushes',
    status: asked.ok ? 200 : asked.refused.code === 'not-found' ? 404 : 502,
    children: (
      <>
        <div class="head">
          <h1>What it brought</h1>
          <p>
            <a href={pathOf.push(id)}>back to the push</a>
          </p>
        </div>
        {!asked.ok && <Complaint refused={asked.refused} />}
        {!asked.ok && asked.refused.code !== 'not-found' && (
          <p class="quiet">
            The commits and the diff are only in the mirror, and the companion reads them there. Look again in
            a moment.
          </p>
        )}
        {asked.ok && asked.value.length === 0 && <p class="quiet">This push only deleted refs.</p>}
        {asked.ok &&
          asked.value.map(({ ref, changes: brought }) => (
            <section>
              <h2>
                <RefName name={ref} />
              </h2>
              {brought === null ? (
                <p class="quiet">The mirror does not have it any more.</p>
              ) : brought.commits.text === '' ? (
                <p class="quiet">No commit that the repository does not have elsewhere.</p>
              ) : (
                <>
                  <Said lines={brought.commits.text.trimEnd().split('\n')} />
                  {brought.commits.truncated && <Cut />}
                  <pre class="said diff">
                    {kindsOf(brought.diff.text.trimEnd().split('\n')).map(({ line, kind }) => (
                      <span class={kind}>{`${visible(line)}\n`}</span>
                    ))}
                  </pre>
                  {brought.diff.truncated && <Cut />}
                </>
              )}
            </section>
          ))}
      </>
    ),
  })
}

const Cut = () => <p class="quiet">There is more; this is its beginning.</p>

const KINDS: Readonly<Record<string, string>> = { '+': 'added', '-': 'taken', '@': 'place' }

/** A diff's lines, each with what it is. From `diff` to `@@` they are about the file, whatever they begin with. */
function kindsOf(lines: readonly string[]) {
  let aboutFile = true
  return lines.map(line => {
    aboutFile = line.startsWith('diff ') || (aboutFile && !line.startsWith('@@'))
    return { line, kind: aboutFile ? 'file' : (KINDS[line[0] ?? ''] ?? '') }
  })
}
