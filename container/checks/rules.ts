import { refNameProblem } from '../../src/contract/names.ts'
import type { Refusal } from '../../src/contract/outcome.ts'
import { type Action, type Grant, mayDo } from '../../src/contract/rules.ts'
import { type Command, isCreate, isDelete, isTag } from '../commands.ts'
import type { Check } from './check.ts'

/**
 * What needs no objects to be refused: a create, a delete, or an update where the grant has neither `update` nor
 * `force`. Moving a tag loses what it named, so it is always `force`.
 */
export function judgeCommands(commands: readonly Command[], grant: Grant): Refusal[] {
  return commands.flatMap(command => {
    const needed: Action[] = isDelete(command)
      ? ['delete']
      : isCreate(command)
        ? ['create']
        : isTag(command)
          ? ['force']
          : ['update', 'force']
    return needed.some(action => mayDo(grant, command.ref, action))
      ? []
      : [refuse(command, grant, needed[0] ?? 'update')]
  })
}

/** Whether an update is a fast-forward or a force is told by history, not by the client's flag. */
export const rules: Check = {
  name: 'rules',
  async run({ commands, pass, git }, _say, signal) {
    const grant = { agent: pass.agent, terms: pass.terms }
    const refusals: Refusal[] = []
    for (const command of commands) {
      if (isDelete(command)) continue
      const isUpdate = !isCreate(command) && !isTag(command)
      const [type, ancestor] = await Promise.all([
        isTag(command)
          ? 'tag'
          : git
              .run(['cat-file', '-t', command.new], { signal })
              .then(({ code, stdout }) => (code === 128 ? undefined : stdout.toString('utf8').trim())),
        isUpdate ? git.run(['merge-base', '--is-ancestor', command.old, command.new], { signal }) : undefined,
      ])
      if (!isTag(command)) {
        if (type === undefined) {
          refusals.push({
            ref: command.ref,
            reason: 'its objects are missing from the push',
            detail: [],
            remedy: ['git fetch origin, then push again'],
          })
          continue
        }
        if (type !== 'commit') {
          refusals.push({
            ref: command.ref,
            reason: `a branch holds commits, this is a ${type}`,
            detail: [],
            remedy: [`push it as a tag: git push origin ${command.new.slice(0, 12)}:refs/tags/NAME`],
          })
          continue
        }
      }
      if (!ancestor) continue
      if (ancestor.code !== 0 && ancestor.code !== 1) {
        refusals.push({
          ref: command.ref,
          reason: 'its old value is not known here; upstream has moved',
          detail: [],
          remedy: ['git fetch origin, then push again'],
        })
        continue
      }
      const action: Action = ancestor.code === 0 ? 'update' : 'force'
      if (!mayDo(grant, command.ref, action)) refusals.push(refuse(command, grant, action))
    }
    return refusals
  },
}

const VERB: Record<Action, string> = {
  create: 'create it',
  update: 'update it',
  force: 'force-push it (this push drops commits, or moves a tag)',
  delete: 'delete it',
}

function refuse(command: Command, grant: Grant, action: Action): Refusal {
  const patterns = grant.terms.rules
    .filter(rule => rule.allow.includes(action))
    .map(rule => rule.pattern.replaceAll('{agent}', grant.agent))
  const may = patterns.length ? `may ${action} ${patterns.join(', ')} only` : `may ${action} no ref here`
  return {
    ref: command.ref,
    reason: `${grant.agent} ${may}`,
    detail: [`rule: ${grant.agent} has no right to ${VERB[action]}`],
    remedy: remedyFor(command, grant, action),
  }
}

/** The nearest thing that would be allowed, as a command. */
function remedyFor(command: Command, grant: Grant, action: Action): string[] {
  const ask = 'git gate grant set, run by an operator, changes what is allowed'
  if (action === 'delete') return [`leave the ref, or ask for the right: ${ask}`]
  if (action === 'force' && isTag(command)) return [`choose a new tag name, or ask for the right: ${ask}`]
  if (action === 'force' && mayDo(grant, command.ref, 'update'))
    return [
      'keep the commits that are there: git fetch origin, then git rebase or git merge onto them, then push without --force',
    ]
  const near = nearestRef(command, grant)
  return near ? [`git push origin ${command.new.slice(0, 12)}:${near}`] : [`ask for the right: ${ask}`]
}

/** A ref that the agent may create, named after the one it tried: the first fitting pattern with the name filled in. */
function nearestRef(command: Command, grant: Grant): string | undefined {
  const leaf = command.ref
    .split('/')
    .slice(2)
    .join('-')
    .replaceAll(/[^\w.-]/g, '-')
  const kind = isTag(command) ? 'refs/tags/' : 'refs/heads/'
  return grant.terms.rules
    .filter(rule => rule.allow.includes('create') && rule.pattern.startsWith(kind))
    .map(rule =>
      rule.pattern
        .replaceAll('{agent}', grant.agent)
        .replace(/\*+/, leaf)
        .replace(/\/?\*+/g, ''),
    )
    .find(ref => ref !== command.ref && refNameProblem(ref) === undefined && mayDo(grant, ref, 'create'))
}
