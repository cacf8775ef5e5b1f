/** Where the console is mounted. */
export const ROOT = '/-/console'

export const pathOf = {
  pushes: `${ROOT}/pushes`,
  push: (id: string) => `${ROOT}/pushes/${encodeURIComponent(id)}`,
  introduced: (id: string) => `${ROOT}/pushes/${encodeURIComponent(id)}/introduced`,
  waiting: `${ROOT}/waiting`,
  repositories: `${ROOT}/repositories`,
  repository: (name: string) => `${ROOT}/repositories/${encodeURIComponent(name)}`,
  agents: `${ROOT}/agents`,
  agent: (name: string) => `${ROOT}/agents/${encodeURIComponent(name)}`,
  grant: (agent: string, repository: string) =>
    `${ROOT}/agents/${encodeURIComponent(agent)}/grants/${encodeURIComponent(repository)}`,
  overview: `${ROOT}/overview`,
  signIn: `${ROOT}/sign-in`,
  signOut: `${ROOT}/sign-out`,
  asset: (name: string) => `${ROOT}/assets/${name}`,
}

/** Does a path that came with a request lead into the console, and nowhere else? */
export const isOwnPath = (path: string): boolean => path.startsWith(`${ROOT}/`) && !/[\\\s]/.test(path)
