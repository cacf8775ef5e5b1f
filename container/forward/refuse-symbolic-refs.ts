import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import { isPushable } from '../../src/contract/names.ts'
import type { Refusal } from '../../src/contract/outcome.ts'
import { type Command, isCreate } from '../git/command-list.ts'
import type { Git } from '../git/git.ts'
import { readMirrorRefs } from '../git/ref-list.ts'
import type { Mirror } from '../mirror/mirror.ts'
import type { Link } from '../upstream/link.ts'
import { toUpstreamError } from '../upstream/to-upstream-error.ts'

/** Dependencies of the query. */
interface SymrefCheckDeps {
  readonly git: Git
  readonly mirror: Pick<Mirror, 'isSymbolic'>
  readonly link: Link
  readonly upstream: Upstream
  readonly signal: AbortSignal
}

/**
 * Refuses a push to a ref that is a symbolic ref at upstream: git would follow it and update another branch,
 * which the rules were not checked for. Upstream is queried only for refs that can be symbolic: refs that
 * were symbolic at the last refresh, refs whose old value differs from the mirror's, and refs that share
 * their old value with another ref, as a symbolic ref always does. Git reports symbolic refs other than HEAD
 * only over protocol v2 (gitprotocol-v2(5)).
 */
export async function refuseSymbolicRefs(
  { git, mirror, link, upstream, signal }: SymrefCheckDeps,
  commands: readonly Command[],
): Promise<Refusal[]> {
  const moved = commands.filter(command => !isCreate(command))
  if (moved.length === 0) return []
  const { refs } = await readMirrorRefs(git, signal)
  const namesAt = new Map<string, string[]>(moved.map(({ old }) => [old, []]))
  for (const [name, id] of refs) if (isPushable(name)) namesAt.get(id)?.push(name)
  const suspects = moved.filter(({ ref, old }) => {
    const names = namesAt.get(old) ?? []
    return mirror.isSymbolic(ref) || !names.includes(ref) || names.length > 1
  })
  if (suspects.length === 0) return []
  const lease = await link.acquire(signal)
  const output = await git
    .run(['ls-remote', '--symref', upstream.url, ...suspects.map(({ ref }) => ref)], {
      signal,
      ...lease.git,
    })
    .finally(() => lease.release({ broken: signal.aborted }))
  if (output.code !== 0) throw toUpstreamError(upstream, output.stderr)
  const targets = new Map(
    [...output.stdout.toString('utf8').matchAll(/^ref: (\S+)\t(\S+)$/gm)].map(([, target = '', ref = '']) => [
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
