/** The path of the console. */
export const ROOT = '/-/console'

export const pathOf = {
  pushes: `${ROOT}/pushes`,
  push: (id: string) => `${ROOT}/pushes/${encodeURIComponent(id)}`,
  diff: (id: string) => `${ROOT}/pushes/${encodeURIComponent(id)}/diff`,
  pending: `${ROOT}/pending`,
  approvals: `${ROOT}/approvals`,
  approval: (id: string) => `${ROOT}/approvals/${encodeURIComponent(id)}`,
  repositories: `${ROOT}/repositories`,
  repository: (name: string) => `${ROOT}/repositories/${encodeURIComponent(name)}`,
  agents: `${ROOT}/agents`,
  agent: (name: string) => `${ROOT}/agents/${encodeURIComponent(name)}`,
  agentDay: (name: string, day?: string) =>
    `${ROOT}/agents/${encodeURIComponent(name)}/day${day === undefined ? '' : `?day=${day}`}`,
  grant: (agent: string, repository: string) =>
    `${ROOT}/agents/${encodeURIComponent(agent)}/grants/${encodeURIComponent(repository)}`,
  overview: `${ROOT}/overview`,
  auditLog: `${ROOT}/settings/audit-log`,
  identities: `${ROOT}/settings/identities`,
  credentials: `${ROOT}/settings/credentials`,
  operators: `${ROOT}/settings/operators`,
  adminTokens: `${ROOT}/settings/admin-tokens`,
  webhooks: `${ROOT}/settings/webhooks`,
  signIn: `${ROOT}/sign-in`,
  oidcSignIn: `${ROOT}/sign-in/oidc`,
  oidcCallback: `${ROOT}/sign-in/callback`,
  signOut: `${ROOT}/sign-out`,
  asset: (name: string) => `${ROOT}/assets/${name}`,
}

/** Returns whether a path from a request leads into the console. A backslash or a space could lead elsewhere. */
export const isOwnPath = (path: string): boolean => path.startsWith(`${ROOT}/`) && !/[\\\s]/.test(path)
