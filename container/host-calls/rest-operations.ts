import { z } from 'zod'
import type { ForgeKind } from '../../src/contract/hosts/forge.ts'
import { withoutQuickActions } from '../forge/hosts.ts'
import type { KnownCall, Proof } from './plan.ts'
import { Branch, Text, Title } from './pull-request-fields.ts'

/** A REST operation on one project that agents may ask for. */
export interface RestOperation {
  readonly name: string
  readonly method: 'GET' | 'POST'
  /**
   * The path below the project. `{number}` and `{id}` stand for numbers, `{sha}` for a commit's id, and `{branch}` for
   * the name of a branch, percent-encoded.
   */
  readonly path: string
  /** The parameters of the query. */
  readonly query?: readonly string[]
  /** Parameters that a client always sends. The host is asked without them. */
  readonly dropped?: readonly string[]
  /** The answer is text, always or if the client accepts it. */
  readonly text?: 'always' | 'accepted'
  /** Reads the body of a write. */
  readonly body?: z.ZodType<Wanted>
  /** The number in the path has to be a pull request's. */
  readonly isOfPullRequest?: boolean
}

/** A write as it is read from a request's body. The gate sends `body` to the host. */
type Wanted = Pick<KnownCall, 'opens' | 'texts'> & {
  readonly body: unknown
  readonly proofs?: readonly Proof[]
}

const PAGES = ['per_page', 'page']
const LIMITS = ['limit', 'page']
const GITLAB_FILTERS = ['state', 'labels', 'milestone', 'search', 'in', 'order_by', 'sort', ...PAGES]

const githubOpen = z
  .strictObject({
    title: Title,
    body: Text.default(''),
    base: Branch,
    head: Branch,
    draft: z.boolean().optional(),
    maintainer_can_modify: z.boolean().optional(),
  })
  .transform((body): Wanted => ({ body, opens: body, texts: [body.title, body.body] }))
const giteaOpen = z
  .strictObject({ title: Title, body: Text.default(''), base: Branch, head: Branch })
  .transform((body): Wanted => ({ body, opens: body, texts: [body.title, body.body] }))
const comment = z
  .strictObject({ body: Text.min(1) })
  .transform((body): Wanted => ({ body, texts: [body.body] }))

const gitlabOpen = z
  .strictObject({
    title: Title,
    description: Text.default('').transform(withoutQuickActions),
    source_branch: Branch,
    target_branch: Branch,
    target_project_id: z.union([z.number().int(), z.string().regex(/^\d+$/)]).optional(),
    remove_source_branch: z.boolean().optional(),
    squash: z.boolean().optional(),
    // glab always sends labels. A label can start a job at the host.
    labels: z.literal('', 'no labels are set').optional(),
  })
  .transform(
    ({ target_project_id: target, labels: _, ...body }): Wanted => ({
      body,
      opens: { base: body.target_branch, head: body.source_branch },
      texts: [body.title, body.description],
      proofs: target === undefined ? [] : [{ kind: 'project', id: String(target) }],
    }),
  )
const gitlabNote = z
  .strictObject({ body: Text.min(1).transform(withoutQuickActions) })
  .transform((body): Wanted => ({ body, texts: [body.body] }))

const reads = (
  ...operations: readonly [name: string, path: string, query?: readonly string[]][]
): RestOperation[] => operations.map(([name, path, query = []]) => ({ name, method: 'GET', path, query }))

/** GitHub's words and paths, which Gitea has too. */
const shared = (pages: readonly string[]) =>
  reads(
    ['list the files of a pull request', '/pulls/{number}/files', pages],
    ['list the commits of a pull request', '/pulls/{number}/commits', pages],
    ['list the reviews of a pull request', '/pulls/{number}/reviews', pages],
    ['read an issue', '/issues/{number}'],
    ['list comments', '/issues/{number}/comments', pages],
    ['read the status of a commit', '/commits/{sha}/status', pages],
  )

const commentOnPull: RestOperation = {
  name: 'comment on a pull request',
  method: 'POST',
  path: '/issues/{number}/comments',
  body: comment,
  isOfPullRequest: true,
}

const OPERATIONS: Readonly<Record<ForgeKind, readonly RestOperation[]>> = {
  github: [
    { name: 'read a pull request', method: 'GET', path: '/pulls/{number}', text: 'accepted' },
    ...reads(
      ['list pull requests', '/pulls', ['state', 'head', 'base', 'sort', 'direction', ...PAGES]],
      ['list the review comments of a pull request', '/pulls/{number}/comments', PAGES],
      ['list issues', '/issues', ['state', 'labels', 'sort', 'direction', 'since', ...PAGES]],
      ['list the check runs of a commit', '/commits/{sha}/check-runs', ['status', 'filter', ...PAGES]],
    ),
    ...shared(PAGES),
    { name: 'open a pull request', method: 'POST', path: '/pulls', body: githubOpen },
    commentOnPull,
  ],
  gitea: [
    { name: 'read the diff of a pull request', method: 'GET', path: '/pulls/{number}.diff', text: 'always' },
    {
      name: 'read the patch of a pull request',
      method: 'GET',
      path: '/pulls/{number}.patch',
      text: 'always',
    },
    ...reads(
      ['list pull requests', '/pulls', ['state', 'sort', ...LIMITS]],
      ['read a pull request', '/pulls/{number}'],
      ['list issues', '/issues', ['state', 'labels', 'q', 'type', ...LIMITS]],
      ['list the statuses of a commit', '/commits/{sha}/statuses', LIMITS],
    ),
    ...shared(LIMITS),
    { name: 'open a pull request', method: 'POST', path: '/pulls', body: giteaOpen },
    commentOnPull,
  ],
  gitlab: [
    {
      name: 'read the diff of a merge request',
      method: 'GET',
      path: '/merge_requests/{number}/raw_diffs',
      text: 'always',
    },
    {
      name: 'read the project',
      method: 'GET',
      path: '',
      dropped: ['license', 'with_custom_attributes'],
    },
    {
      name: 'read a merge request',
      method: 'GET',
      path: '/merge_requests/{number}',
      dropped: ['include_diverged_commits_count', 'include_rebase_in_progress', 'render_html'],
    },
    ...reads(
      [
        'list merge requests',
        '/merge_requests',
        [...GITLAB_FILTERS, 'source_branch', 'target_branch', 'wip'],
      ],
      ['read the approvals of a merge request', '/merge_requests/{number}/approval_state'],
      ['list the versions of a merge request', '/merge_requests/{number}/versions', PAGES],
      ['read a version of a merge request', '/merge_requests/{number}/versions/{id}'],
      ['list the diffs of a merge request', '/merge_requests/{number}/diffs', PAGES],
      ['list the changes of a merge request', '/merge_requests/{number}/changes', PAGES],
      ['list the commits of a merge request', '/merge_requests/{number}/commits', PAGES],
      ['list the notes of a merge request', '/merge_requests/{number}/notes', ['sort', 'order_by', ...PAGES]],
      ['list the discussions of a merge request', '/merge_requests/{number}/discussions', PAGES],
      ['list the pipelines of a merge request', '/merge_requests/{number}/pipelines', PAGES],
      ['list the statuses of a commit', '/repository/commits/{sha}/statuses', PAGES],
      ['read the last commit of a branch', '/repository/commits/{branch}'],
      ['list pipelines', '/pipelines', ['ref', 'sha', 'status', 'source', 'order_by', 'sort', ...PAGES]],
      ['read a pipeline', '/pipelines/{id}'],
      ['list the jobs of a pipeline', '/pipelines/{id}/jobs', ['scope[]', 'include_retried', ...PAGES]],
      ['list issues', '/issues', [...GITLAB_FILTERS, 'issue_type']],
      ['read an issue', '/issues/{number}'],
      ['list the notes of an issue', '/issues/{number}/notes', ['sort', 'order_by', ...PAGES]],
      ['list the discussions of an issue', '/issues/{number}/discussions', PAGES],
    ),
    { name: 'open a merge request', method: 'POST', path: '/merge_requests', body: gitlabOpen },
    {
      name: 'comment on a merge request',
      method: 'POST',
      path: '/merge_requests/{number}/notes',
      body: gitlabNote,
    },
  ],
}

export const operationsOf = (kind: ForgeKind): readonly RestOperation[] => OPERATIONS[kind]
