import { z } from 'zod'
import type { ForgeKind } from '../../src/contract/hosts/forge.ts'
import type { Call, HostApi } from './host-api.ts'

/** A pull request as it is asked for. */
export interface WantedPullRequest {
  readonly branch: string
  readonly base: string
  readonly title: string
  readonly body: string
  readonly isDraft: boolean
}

export interface FoundPullRequest {
  readonly url: string
  readonly number: number
}

/** The calls that differ between the hosts' APIs. */
export interface HostCalls {
  /** Finds the open pull request of a branch of the project itself. */
  findPullRequest(api: HostApi, branch: string): Promise<FoundPullRequest | undefined>
  openPullRequest(wanted: WantedPullRequest): Call
  /** Reads the response of `openPullRequest`. */
  readonly opened: z.ZodType<FoundPullRequest>
  /** The statuses with which the host says that there is one already. */
  readonly exists: readonly number[]
  /** Adds a deploy key with write access; its response has `id`. */
  addDeployKey(title: string, key: string): Call
  removeDeployKey(id: number): Call
}

const OPEN = 'open pull requests'
const READ = 'read pull requests'
const KEYS = 'change deploy keys'

const htmlUrl = z
  .object({ html_url: z.string(), number: z.number().int() })
  .transform(({ html_url: url, number }): FoundPullRequest => ({ url, number }))
const encode = encodeURIComponent
const projectPath = (project: string) => `/repos/${project.split('/').map(encode).join('/')}`

/** The path of a project below the API's base URL. */
export const projectPathOf: Readonly<Record<ForgeKind, (project: string) => string>> = {
  github: projectPath,
  gitea: projectPath,
  gitlab: project => `/projects/${encode(project)}`,
}

/**
 * GitLab obeys a line of a description or a note that begins with a slash, with the credential's rights: `/merge`
 * (GitLab: "Quick actions"). A backslash keeps it text. The search ends with each line, so that it is linear in the text.
 */
export const withoutQuickActions = (text: string): string =>
  text.replace(/^([^\S\n\r\u2028\u2029]*)\//gm, '$1\\/')

/** The calls for deploy keys at a path of the API. `rights` gives a key write access. */
const keyCalls = (
  path: string,
  rights: Readonly<Record<string, boolean>>,
): Pick<HostCalls, 'addDeployKey' | 'removeDeployKey'> => ({
  addDeployKey: (title, key) => ({ method: 'POST', path, body: { title, key, ...rights }, action: KEYS }),
  removeDeployKey: id => ({ method: 'DELETE', path: `${path}/${id}`, action: KEYS }),
})

/** GitHub REST API, version 2022-11-28: "Pulls" and "Deploy keys". */
const github = (project: string): HostCalls => ({
  async findPullRequest(api, branch) {
    const [owner = ''] = project.split('/')
    const query = `state=open&head=${encode(`${owner}:${branch}`)}`
    const path = `${projectPath(project)}/pulls?${query}`
    const [found] = await api.request(z.array(htmlUrl), { method: 'GET', path, action: READ })
    return found
  },
  openPullRequest: ({ branch, base, title, body, isDraft }) => ({
    method: 'POST',
    path: `${projectPath(project)}/pulls`,
    body: { title, body, base, head: branch, draft: isDraft },
    action: OPEN,
  }),
  opened: htmlUrl,
  exists: [422],
  ...keyCalls(`${projectPath(project)}/keys`, { read_only: false }),
})

const webUrl = z
  .object({ web_url: z.string(), iid: z.number().int() })
  .transform(({ web_url: url, iid: number }): FoundPullRequest => ({ url, number }))

/** GitLab REST API, version 4: "Merge requests" and "Deploy keys". */
const gitlab = (project: string): HostCalls => {
  const path = projectPathOf.gitlab(project)
  return {
    async findPullRequest(api, branch) {
      const query = `state=opened&source_branch=${encode(branch)}`
      const [found] = await api.request(z.array(webUrl), {
        method: 'GET',
        path: `${path}/merge_requests?${query}`,
        action: READ,
      })
      return found
    },
    openPullRequest: ({ branch, base, title, body, isDraft }) => ({
      method: 'POST',
      path: `${path}/merge_requests`,
      body: {
        source_branch: branch,
        target_branch: base,
        title: isDraft ? `Draft: ${title}` : title,
        description: withoutQuickActions(body),
      },
      action: OPEN,
    }),
    opened: webUrl,
    exists: [409],
    ...keyCalls(`${path}/deploy_keys`, { can_push: true }),
  }
}

const GiteaPulls = z.array(
  z.object({
    html_url: z.string(),
    number: z.number().int(),
    head: z.object({ ref: z.string(), repo_id: z.number() }),
    base: z.object({ repo_id: z.number() }),
  }),
)
const GITEA_PAGE = 50
const GITEA_PAGES = 20

/** Gitea API, version 1, which Forgejo has too: "repository". */
const gitea = (project: string): HostCalls => ({
  // The list has no filter for a branch.
  async findPullRequest(api, branch) {
    for (let page = 1; page <= GITEA_PAGES; page++) {
      const path = `${projectPath(project)}/pulls?state=open&limit=${GITEA_PAGE}&page=${page}`
      const pulls = await api.request(GiteaPulls, { method: 'GET', path, action: READ })
      const found = pulls.find(({ head, base }) => head.ref === branch && head.repo_id === base.repo_id)
      if (found) return { url: found.html_url, number: found.number }
      // A host may have a lower limit than this page.
      if (pulls.length === 0) return undefined
    }
    return undefined
  },
  openPullRequest: ({ branch, base, title, body, isDraft }) => ({
    method: 'POST',
    path: `${projectPath(project)}/pulls`,
    body: { title: isDraft ? `WIP: ${title}` : title, body, base, head: branch },
    action: OPEN,
  }),
  opened: htmlUrl,
  exists: [409],
  ...keyCalls(`${projectPath(project)}/keys`, { read_only: false }),
})

/** The calls of each kind of host for a project. */
export const callsOf: Readonly<Record<ForgeKind, (project: string) => HostCalls>> = { github, gitlab, gitea }
