import type { AgentName, RepositoryName } from '../contract/names.ts'

/** The refusal of a push by an agent that may only read, with the operator's remedy. */
export const refuseReadOnly = (agent: AgentName, repository: RepositoryName): string[] => [
  `${agent} may read ${repository}, not push to it`,
  `an operator grants it with: git gate grant set ${agent} ${repository} --push '{agent}/**'`,
]
