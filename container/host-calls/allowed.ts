import type { GrantTerms } from '../../src/contract/grant.ts'
import type { Forge } from '../../src/contract/hosts/forge.ts'
import { projectPathOf } from '../forge/hosts.ts'
import { operationsOf } from './rest-operations.ts'
import { API_PATHS } from './rest-plan.ts'

/** The commands of gh whose GraphQL requests are allowed. */
const GH = {
  read: ['gh pr view|list|checks|diff', 'gh issue view|list'],
  write: ['gh pr create --head BRANCH', 'gh pr comment'],
}

/** Lists the calls that a grant allows, for the answer to any other. */
export function listAllowed({ kind, project }: Forge, { hostApi }: GrantTerms): string[] {
  if (hostApi === 'none') return []
  const rest = operationsOf(kind)
    .filter(({ method }) => method === 'GET' || hostApi === 'write')
    .map(({ method, path }) => `${method} ${API_PATHS[kind]}${projectPathOf[kind](project)}${path}`)
  if (kind !== 'github') return rest
  return [...GH.read, ...(hostApi === 'write' ? GH.write : []), ...rest]
}
