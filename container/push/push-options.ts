import { allowsPushOption } from '../../src/contract/grant.ts'
import type { Refusal } from '../../src/contract/outcome.ts'
import type { PassFor } from '../../src/contract/pass.ts'
import { inWords } from '../git/command-list.ts'
import { pushRefusal } from './verdict.ts'

/** Limit of the refused options that a refusal names. */
const MAX_NAMED = 5

/**
 * Refuses push options that the grant does not allow: a host acts on an option that nothing in the push shows,
 * such as `ci.skip`. Returns undefined if the grant allows them all.
 */
export function refusePushOptions(
  options: readonly string[],
  { agent, terms }: Pick<PassFor<'git-receive-pack'>, 'agent' | 'terms'>,
): Refusal | undefined {
  const refused = options.filter(option => !allowsPushOption(terms, option))
  if (refused.length === 0) return undefined
  const names = [...new Set(refused.map(nameOf))]
  const shown = names.slice(0, MAX_NAMED).join(', ')
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : ''
  return pushRefusal(
    `${agent} may not pass the push option${names.length === 1 ? '' : 's'} ${shown}${more}`,
    [`push again without ${names.length === 1 ? 'it' : 'them'}, or ask an operator to allow ${shown}`],
    [`allowed push options: ${terms.pushOptions.join(', ') || 'none'}`],
  )
}

/** Returns the name of an option. Its value is text that no scan has read. */
const nameOf = (option: string) => inWords(option.split('=', 1)[0] ?? '') || '(empty)'
