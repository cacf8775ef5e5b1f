// The data of the stand-in for GitHub, with each field that gh asks for.

export const connection = (nodes: readonly unknown[]) => ({
  nodes,
  totalCount: nodes.length,
  pageInfo: { hasNextPage: false, endCursor: null },
})

const NOW = '2026-01-02T03:04:05Z'
export const OWNER = { __typename: 'Organization', id: 'O_acme', login: 'acme', name: 'Acme' }
export const AUTHOR = { __typename: 'Bot', id: 'B_bot', login: 'acme-bot' }

export const COMMENT = {
  id: 'IC_1',
  author: AUTHOR,
  authorAssociation: 'MEMBER',
  body: '',
  createdAt: NOW,
  includesCreatedEdit: false,
  isMinimized: false,
  minimizedReason: null,
  reactionGroups: [],
  url: 'https://github.com/acme/repository/pull/1#issuecomment-1',
  viewerDidAuthor: true,
}

const CHECK = {
  __typename: 'CheckRun',
  name: 'build',
  status: 'COMPLETED',
  conclusion: 'SUCCESS',
  startedAt: NOW,
  completedAt: NOW,
  detailsUrl: 'https://ci.example.com/1',
  isRequired: true,
  checkSuite: { workflowRun: { event: 'push', workflow: { name: 'CI' } } },
}

const COMMIT = {
  oid: 'a'.repeat(40),
  messageHeadline: 'Fix the login',
  messageBody: '',
  committedDate: NOW,
  authoredDate: NOW,
  authors: connection([]),
  statusCheckRollup: { state: 'SUCCESS', contexts: connection([CHECK]) },
}

const SHARED = {
  author: AUTHOR,
  closed: false,
  closedAt: null,
  createdAt: NOW,
  updatedAt: NOW,
  state: 'OPEN',
  assignees: connection([]),
  labels: connection([]),
  milestone: null,
  reactionGroups: [],
}

export const PULL = {
  ...SHARED,
  additions: 1,
  deletions: 1,
  changedFiles: 1,
  baseRefOid: 'b'.repeat(40),
  headRefOid: 'a'.repeat(40),
  headRepositoryOwner: OWNER,
  isCrossRepository: false,
  maintainerCanModify: true,
  mergeable: 'MERGEABLE',
  mergeStateStatus: 'CLEAN',
  autoMergeRequest: null,
  reviewDecision: null,
  reviewRequests: connection([]),
  reviews: connection([]),
  latestReviews: connection([]),
  files: connection([]),
  commits: connection([{ commit: COMMIT }]),
  closingIssuesReferences: connection([]),
}

export const ISSUE = {
  __typename: 'Issue',
  ...SHARED,
  id: 'I_90',
  number: 90,
  title: 'The login fails',
  body: 'Since Monday.',
  url: 'https://github.com/acme/repository/issues/90',
  comments: connection([]),
  stateReason: null,
  isPinned: false,
}
