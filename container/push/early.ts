import type { PassFor } from '../../src/contract/pass.ts'
import { checkGrant } from '../checks/index.ts'
import type { BadCommandList, Command, CommandList } from '../git/command-list.ts'
import { pushRefusal, refused, type Verdict } from './verdict.ts'

const LEAVE_OUT = 'leave it out: name what you push, as in git push origin refs/heads/NAME'

type PushPass = PassFor<'git-receive-pack'>

/** The refs of a command list as the client wrote them. */
export const refsOf = (list: CommandList | BadCommandList) =>
  'problem' in list
    ? list.refs.map(({ ref, command }) => command ?? { ref, old: '', new: '' })
    : list.commands

/** The refusal of a push that needs no objects; or its commands, which may go on. */
export function checkCommands(list: CommandList | BadCommandList, pass: PushPass): Verdict | CommandList {
  return 'problem' in list ? refuseBadList(list, pass) : (refuseByCommands(list, pass) ?? list)
}

/** The refusal of a command list that the gate does not take. */
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

/** The refusal of commands, or of options, that the grant does not allow; undefined: they may go on. */
export function refuseByCommands(
  { commands, pushOptions }: CommandList,
  pass: PushPass,
): Verdict | undefined {
  if (pushOptions.length && !pass.terms.pushOptions)
    return refused(commands, [
      pushRefusal(`${pass.agent} may not pass push options`, ['push again without -o / --push-option']),
    ])
  const refusals = checkAndForward(commands, pass)
  return refusals.length ? refused(commands, refusals) : undefined
}

const checkAndForward = (commands: readonly Command[], { agent, terms, repository }: PushPass) =>
  checkGrant(commands, { agent, terms }, repository.name)
