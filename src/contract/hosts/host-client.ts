import { type ForgeKind, forgeOf } from './forge.ts'
import { HOST_CALL_PATH } from './host-call.ts'

/** The client of a host's API, and the variable with its token. */
const CLIENTS: Readonly<Record<ForgeKind, { name: string; token: string }>> = {
  github: { name: 'gh', token: 'GH_ENTERPRISE_TOKEN' },
  gitlab: { name: 'glab', token: 'GITLAB_TOKEN' },
  gitea: { name: 'REST', token: 'FORGE_TOKEN' },
}

/** The environment with which the client of a host's API asks the gate for one repository. */
export interface HostClient {
  readonly name: string
  /** The variables with their values, but for the token. */
  readonly variables: Readonly<Record<string, string>>
  readonly tokenVariable: string
}

/** Returns undefined if the gate does not know the API of the repository's host. */
export function hostClientOf(
  gateUrl: string,
  repository: { name: string; url: string; forge: ForgeKind | null; apiUrl: string },
): HostClient | undefined {
  const forge = forgeOf(repository)
  if (!forge) return undefined
  const { origin, host, hostname } = new URL(gateUrl)
  const path = `${HOST_CALL_PATH}${repository.name}`
  const { name, token } = CLIENTS[forge.kind]
  const variables: Record<ForgeKind, Record<string, string>> = {
    github: { GH_HOST: `${host}${path}`, GH_REPO: forge.project },
    gitlab: {
      // glab compares it with the host names of a clone's remotes, without their ports.
      GITLAB_HOST: hostname,
      GITLAB_API_HOST: `${host}${path}`,
      GITLAB_REPO: forge.project,
      GITLAB_HEAD_REPO: forge.project,
    },
    gitea: { FORGE_API: `${origin}${path}/api/v1/repos/${forge.project}` },
  }
  return { name, variables: variables[forge.kind], tokenVariable: token }
}
