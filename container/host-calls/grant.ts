import type { PassFor } from '../../src/contract/companion-api/pass.ts'
import { allowsBase, describeBases, isAllowed } from '../../src/contract/grant.ts'
import type { KnownCall } from './plan.ts'

/** Returns why the grant does not allow a call, or undefined. */
export function refuseWrite(
  { isWrite, opens }: Pick<KnownCall, 'isWrite' | 'opens'>,
  { agent, terms, repository }: Pick<PassFor<'host-call'>, 'agent' | 'terms' | 'repository'>,
): string | undefined {
  const { name } = repository
  if (terms.hostApi === 'none')
    return `${agent} may not use the API of ${name}'s host; an operator allows it: git gate grant set ${agent} ${name} --host-api read`
  if (!isWrite) return undefined
  if (terms.hostApi !== 'write')
    return `${agent} may only read by the API of ${name}'s host; an operator allows more: git gate grant set ${agent} ${name} --host-api write`
  if (!opens) return undefined
  const { base, head } = opens
  if (!allowsBase(terms, base))
    return `${agent} may not open pull requests into ${base}; its bases: ${describeBases(terms) || 'none'}`
  const ref = `refs/heads/${head}`
  const grant = { agent, terms }
  return isAllowed(grant, ref, 'create') || isAllowed(grant, ref, 'update')
    ? undefined
    : `${agent} may not push to ${head}, so it may not open a pull request of it`
}
