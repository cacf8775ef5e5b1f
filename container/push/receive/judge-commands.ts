import type { PassFor } from '../../../src/contract/companion-api/pass.ts'
import { isPushable } from '../../../src/contract/names.ts'
import { checkGrant } from '../../checks/index.ts'
import { PUSH_AGAIN, UPSTREAM_MOVED } from '../../git/clone-commands.ts'
import {
  type BadCommandList,
  type Command,
  type CommandList,
  isVoidDelete,
  messageText,
} from '../../git/command-list.ts'
import { FORMAT_NAME, type ObjectFormat } from '../../git/objects/object-format.ts'
import { readMirrorRefs } from '../../git/ref-list.ts'
import type { Mirror } from '../../mirror/mirror.ts'
import { refusePullRequest } from '../pull-request.ts'
import { refusePushOptions } from '../push-options.ts'
import { pushRefusal, refused, type Verdict } from '../verdict.ts'

const LEAVE_OUT = 'leave it out: name what you push, as in git push origin refs/heads/NAME'

/** The most refs that a refusal of refs outside of the pushable namespaces lists. */
const MAX_LISTED = 10

type PushPass = PassFor<'git-receive-pack'>

/** Returns the refs of a command list as the client wrote them, good or bad. */
export const refsOf = (list: CommandList | BadCommandList) =>
  'problem' in list
    ? list.refs.map(({ ref, command }) => command ?? { ref, old: '', new: '' })
    : [...list.commands, ...list.noOps]

/** Judges a push by its command list and the repository's object format. Returns a refusal, or the list if the push may continue. */
export function checkCommands(
  list: CommandList | BadCommandList,
  pass: PushPass,
  objectFormat: ObjectFormat | undefined,
): Verdict | CommandList {
  if ('problem' in list) return refuseBadList(list, pass)
  if (objectFormat !== undefined && list.objectFormat !== objectFormat)
    return refused(refsOf(list), [
      pushRefusal(
        `it has ${FORMAT_NAME[list.objectFormat]} object ids, and the repository has ${FORMAT_NAME[objectFormat]} ids`,
        ['clone the repository again, and commit there'],
      ),
    ])
  return refuseByCommands(list, pass) ?? list
}

/** Refuses a malformed command list. The commands in it that did parse are checked against the grant, too. */
function refuseBadList(list: BadCommandList, pass: PushPass): Verdict {
  const bad = list.refs.flatMap(({ ref, problem }) =>
    problem ? [{ ref, reason: `cannot be pushed: ${problem}`, detail: [], remedy: [LEAVE_OUT] }] : [],
  )
  const others = judgeByGrant(
    list.refs.flatMap(({ command }) => command ?? []),
    pass,
  )
  if (bad.length === 0) return refused(list.refs, [pushRefusal(list.problem)])
  const verdict = refused(list.refs, [...bad, ...others])
  const outside = bad.filter(({ ref }) => !isPushable(ref))
  if (outside.length < 2) return verdict
  const rest = [...bad.filter(({ ref }) => isPushable(ref)), ...others]
  return { ...verdict, refusals: [refuseOutside(outside.map(({ ref }) => ref)), ...rest] }
}

/** Refuses refs such as remote-tracking branches, all at once: `git push --mirror` of a clone names each. */
const refuseOutside = (refs: readonly string[]) =>
  pushRefusal(
    `${refs.length} refs are neither branches nor tags: ${refs.slice(0, MAX_LISTED).map(messageText).join(', ')}${refs.length > MAX_LISTED ? ', …' : ''}`,
    [
      'leave them out: git push --mirror of a clone pushes its remote-tracking branches too. This pushes the rest:',
      '  git push origin --all && git push origin --tags',
    ],
  )

/**
 * Judges the commands that change nothing, by the mirror: a ref is still as the client saw it, or it has
 * moved.
 */
export async function judgeNoOps(
  { commands, noOps }: CommandList,
  mirror: Mirror,
  signal: AbortSignal,
): Promise<Verdict | undefined> {
  if (noOps.length === 0) return undefined
  const { refs } = await readMirrorRefs(mirror.git, signal)
  const moved = noOps.filter(
    command => refs.get(command.ref) !== (isVoidDelete(command) ? undefined : command.new),
  )
  if (moved.length === 0) return undefined
  return refused(
    [...commands, ...noOps],
    moved.map(({ ref }) => ({
      ref,
      reason: `${UPSTREAM_MOVED}; fetch, then ${PUSH_AGAIN}`,
      detail: [],
      remedy: [],
    })),
  )
}

/** Returns the lines for an agent that deletes refs which are not there. git gives the same warning. */
export const absentDeleteWarnings = ({ noOps }: CommandList): string[] =>
  noOps.filter(isVoidDelete).map(({ ref }) => `warning: there is no ${ref} to delete`)

/**
 * Refuses commands and push options that the grant does not allow. Returns undefined if the grant allows them
 * all.
 */
export function refuseByCommands(list: CommandList, pass: PushPass): Verdict | undefined {
  const { commands, pushOptions } = list
  const refusedOptions = refusePushOptions(pushOptions, pass) ?? refusePullRequest(list, pass)
  if (refusedOptions) return refused(commands, [refusedOptions])
  const refusals = judgeByGrant(commands, pass)
  return refusals.length ? refused(commands, refusals) : undefined
}

const judgeByGrant = (commands: readonly Command[], { agent, terms, repository }: PushPass) =>
  checkGrant(commands, { agent, terms }, repository.name)
