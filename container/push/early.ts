import type { PassFor } from '../../src/contract/pass.ts'
import { checkGrant } from '../checks/index.ts'
import type { BadCommandList, Command, CommandList } from '../git/command-list.ts'
import { refusePullRequest } from './pull-request.ts'
import { refusePushOptions } from './push-options.ts'
import { pushRefusal, refused, type Verdict } from './verdict.ts'

const LEAVE_OUT = 'leave it out: name what you push, as in git push origin refs/heads/NAME'

type PushPass = PassFor<'git-receive-pack'>

/** Returns the refs of a command list as the client wrote them, good or bad. */
export const refsOf = (list: CommandList | BadCommandList) =>
  'problem' in list
    ? list.refs.map(({ ref, command }) => command ?? { ref, old: '', new: '' })
    : list.commands

/** Judges a push by its command list alone. Returns a refusal, or the list if the push may continue. */
export function checkCommands(list: CommandList | BadCommandList, pass: PushPass): Verdict | CommandList {
  return 'problem' in list ? refuseBadList(list, pass) : (refuseByCommands(list, pass) ?? list)
}

/** Refuses a malformed command list. The commands in it that did parse are checked against the grant, too. */
function refuseBadList(list: BadCommandList, pass: PushPass): Verdict {
  const bad = list.refs.flatMap(({ ref, problem }) =>
    problem ? [{ ref, reason: `cannot be pushed: ${problem}`, detail: [], remedy: [LEAVE_OUT] }] : [],
  )
  const others = checkAndForward(
    list.refs.flatMap(({ command }) => command ?? []),
    pass,
  )
  return refused(list.refs, bad.length ? [...bad, ...others] : [pushRefusal(list.problem)])
}

/**
 * Refuses commands and push options that the grant does not allow. Returns undefined if the grant allows them
 * all.
 */
export function refuseByCommands(list: CommandList, pass: PushPass): Verdict | undefined {
  const { commands, pushOptions } = list
  const refusedOptions = refusePushOptions(pushOptions, pass) ?? refusePullRequest(list, pass)
  if (refusedOptions) return refused(commands, [refusedOptions])
  const refusals = checkAndForward(commands, pass)
  return refusals.length ? refused(commands, refusals) : undefined
}

const checkAndForward = (commands: readonly Command[], { agent, terms, repository }: PushPass) =>
  checkGrant(commands, { agent, terms }, repository.name)
