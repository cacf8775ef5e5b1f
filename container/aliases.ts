import type { Refusal } from '../src/contract/outcome.ts'
import type { Upstream } from '../src/contract/pass.ts'
import { type Command, isCreate } from './commands.ts'
import type { Git } from './git.ts'
import { type Link, upstreamProblem } from './upstream.ts'

/**
 * Refuses what would go to a branch that upstream keeps as a symbolic ref: git follows it there, and moves another
 * branch, for which no rule was asked. Upstream is asked only of refs that are said to stand where another one stands,
 * as a symbolic ref always does. Git tells of symbolic refs other than HEAD over protocol v2 only (gitprotocol-v2(5)).
 */
export async function refuseAliases(
  git: Git,
  link: Link,
  upstream: Upstream,
  commands: readonly Command[],
  signal: AbortSignal,
): Promise<Refusal[]> {
  const moved = commands.filter(command => !isCreate(command))
  if (moved.length === 0) return []
  const listed = await git.text(
    ['for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads', 'refs/tags'],
    { signal },
  )
  const namesAt = Map.groupBy(
    listed.split('\n').map(line => line.split(' ')),
    ([id]) => id,
  )
  const suspects = moved.filter(({ ref, old }) => namesAt.get(old)?.some(([, name]) => name !== ref))
  if (suspects.length === 0) return []
  const borrowed = await link.borrow(signal)
  const told = await git
    .run(['ls-remote', '--symref', upstream.url, ...suspects.map(({ ref }) => ref)], {
      signal,
      env: borrowed.env,
    })
    .finally(borrowed.release)
  if (told.code !== 0) throw upstreamProblem(upstream, told.stderr)
  const targets = new Map(
    [...told.stdout.toString('utf8').matchAll(/^ref: (\S+)\t(\S+)$/gm)].map(([, target = '', ref = '']) => [
      ref,
      target,
    ]),
  )
  return suspects.flatMap(({ ref }) => {
    const target = targets.get(ref)
    if (target === undefined) return []
    return [
      {
        ref,
        reason: `at upstream it is another name of ${target}`,
        detail: ['a push to it would move that branch'],
        remedy: [`push to ${target} itself, where you may`],
      },
    ]
  })
}
