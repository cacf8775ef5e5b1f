import { buildSchema } from 'graphql'

/**
 * The part of GitHub's GraphQL schema that agents may ask for: the fields that `gh pr create|view|list|checks|diff|comment`
 * and `gh issue view|list` need (GitHub CLI 2.83). A request that this schema does not validate is refused.
 *
 * No field leads out of the repository. Where GitHub's own type would, a narrower type stands in its place:
 * ThisRepository is the repository that a request names, Repository any other (of a fork, of an issue that a pull
 * request closes), ReferencedIssue and ReferencedPullRequest are issues and pull requests of any repository.
 */
const SDL = /* GraphQL */ `
  scalar DateTime
  scalar URI
  scalar GitObjectID
  scalar BigInt

  type Query {
    repository(owner: String!, name: String!): ThisRepository
    node(id: ID!): Node
  }

  type Mutation {
    createPullRequest(input: CreatePullRequestInput!): CreatePullRequestPayload
    addComment(input: AddCommentInput!): AddCommentPayload
  }

  input CreatePullRequestInput {
    repositoryId: ID!
    baseRefName: String!
    headRefName: String!
    title: String!
    body: String
    draft: Boolean
    maintainerCanModify: Boolean
  }
  type CreatePullRequestPayload {
    pullRequest: PullRequest
  }
  input AddCommentInput {
    subjectId: ID!
    body: String!
  }
  type AddCommentPayload {
    commentEdge: IssueCommentEdge
  }
  type IssueCommentEdge {
    node: IssueComment
  }

  interface Node {
    id: ID!
  }

  interface Repository {
    id: ID!
    name: String!
    nameWithOwner: String!
    owner: RepositoryOwner!
    description: String
    defaultBranchRef: Ref
    hasIssuesEnabled: Boolean!
    hasWikiEnabled: Boolean!
    viewerPermission: RepositoryPermission
    mergeCommitAllowed: Boolean!
    rebaseMergeAllowed: Boolean!
    squashMergeAllowed: Boolean!
  }
  type ThisRepository implements Repository {
    id: ID!
    name: String!
    nameWithOwner: String!
    owner: RepositoryOwner!
    description: String
    defaultBranchRef: Ref
    hasIssuesEnabled: Boolean!
    hasWikiEnabled: Boolean!
    viewerPermission: RepositoryPermission
    mergeCommitAllowed: Boolean!
    rebaseMergeAllowed: Boolean!
    squashMergeAllowed: Boolean!
    pullRequest(number: Int!): PullRequest
    pullRequests(
      states: [PullRequestState!]
      baseRefName: String
      headRefName: String
      labels: [String!]
      first: Int
      last: Int
      after: String
      before: String
      orderBy: IssueOrder
    ): PullRequestConnection!
    issue(number: Int!): Issue
    issueOrPullRequest(number: Int!): IssueOrPullRequest
    issues(
      states: [IssueState!]
      labels: [String!]
      filterBy: IssueFilters
      first: Int
      last: Int
      after: String
      before: String
      orderBy: IssueOrder
    ): IssueConnection!
  }
  enum RepositoryPermission { ADMIN MAINTAIN READ TRIAGE WRITE }
  type Ref {
    name: String!
  }

  interface Actor {
    login: String!
  }
  interface RepositoryOwner {
    id: ID!
    login: String!
  }
  type User implements Actor & RepositoryOwner {
    id: ID!
    login: String!
    name: String
  }
  type Organization implements Actor & RepositoryOwner {
    id: ID!
    login: String!
    name: String
  }
  type Bot implements Actor {
    id: ID!
    login: String!
  }
  type Mannequin implements Actor {
    id: ID!
    login: String!
  }
  type Team {
    name: String!
    slug: String!
    organization: Organization!
  }
  type UserConnection {
    nodes: [User]
    totalCount: Int!
  }

  type PageInfo {
    hasNextPage: Boolean!
    endCursor: String
  }
  input IssueOrder {
    field: IssueOrderField!
    direction: OrderDirection!
  }
  enum IssueOrderField { COMMENTS CREATED_AT UPDATED_AT }
  enum OrderDirection { ASC DESC }

  union IssueOrPullRequest = Issue | PullRequest

  enum IssueState { CLOSED OPEN }
  enum IssueStateReason { COMPLETED DUPLICATE NOT_PLANNED REOPENED }
  input IssueFilters {
    assignee: String
    createdBy: String
    mentioned: String
  }
  type IssueConnection {
    nodes: [Issue]
    totalCount: Int!
    pageInfo: PageInfo!
  }
  type Issue {
    assignees(first: Int, after: String): UserConnection!
    author: Actor
    body: String!
    closed: Boolean!
    closedAt: DateTime
    closedByPullRequestsReferences(first: Int, after: String): ReferencedPullRequestConnection
    comments(first: Int, last: Int, after: String, before: String): IssueCommentConnection!
    createdAt: DateTime!
    id: ID!
    isPinned: Boolean
    labels(first: Int, after: String): LabelConnection
    milestone: Milestone
    number: Int!
    reactionGroups: [ReactionGroup!]
    state: IssueState!
    stateReason: IssueStateReason
    title: String!
    updatedAt: DateTime!
    url: URI!
  }
  type ReferencedIssueConnection {
    nodes: [ReferencedIssue]
    pageInfo: PageInfo!
  }
  type ReferencedIssue {
    id: ID!
    number: Int!
    url: URI!
    repository: Repository!
  }
  type ReferencedPullRequestConnection {
    nodes: [ReferencedPullRequest]
    pageInfo: PageInfo!
  }
  type ReferencedPullRequest {
    id: ID!
    number: Int!
    url: URI!
    repository: Repository!
  }
  type LabelConnection {
    nodes: [Label]
    totalCount: Int!
  }
  type Label {
    id: ID!
    name: String!
    description: String
    color: String!
  }
  type Milestone {
    number: Int!
    title: String!
    description: String
    dueOn: DateTime
  }
  type IssueCommentConnection {
    nodes: [IssueComment]
    totalCount: Int!
    pageInfo: PageInfo!
  }
  enum CommentAuthorAssociation {
    COLLABORATOR CONTRIBUTOR FIRST_TIMER FIRST_TIME_CONTRIBUTOR MANNEQUIN MEMBER NONE OWNER
  }
  type IssueComment {
    author: Actor
    authorAssociation: CommentAuthorAssociation!
    body: String!
    createdAt: DateTime!
    id: ID!
    includesCreatedEdit: Boolean!
    isMinimized: Boolean!
    minimizedReason: String
    reactionGroups: [ReactionGroup!]
    url: URI!
    viewerDidAuthor: Boolean!
  }
  enum ReactionContent { CONFUSED EYES HEART HOORAY LAUGH ROCKET THUMBS_DOWN THUMBS_UP }
  type ReactionGroup {
    content: ReactionContent!
    users(first: Int): ReactingUserConnection!
  }
  type ReactingUserConnection {
    totalCount: Int!
  }

  enum PullRequestState { CLOSED MERGED OPEN }
  enum MergeableState { CONFLICTING MERGEABLE UNKNOWN }
  enum MergeStateStatus { BEHIND BLOCKED CLEAN DIRTY DRAFT HAS_HOOKS UNKNOWN UNSTABLE }
  enum PullRequestMergeMethod { MERGE REBASE SQUASH }
  enum PullRequestReviewDecision { APPROVED CHANGES_REQUESTED REVIEW_REQUIRED }
  enum PullRequestReviewState { APPROVED CHANGES_REQUESTED COMMENTED DISMISSED PENDING }
  type PullRequestConnection {
    nodes: [PullRequest]
    totalCount: Int!
    pageInfo: PageInfo!
  }
  type PullRequest implements Node {
    additions: Int!
    assignees(first: Int, after: String): UserConnection!
    author: Actor
    autoMergeRequest: AutoMergeRequest
    baseRefName: String!
    baseRefOid: GitObjectID!
    body: String!
    changedFiles: Int!
    closed: Boolean!
    closedAt: DateTime
    closingIssuesReferences(first: Int, after: String): ReferencedIssueConnection
    comments(first: Int, last: Int, after: String, before: String): IssueCommentConnection!
    commits(first: Int, last: Int, after: String, before: String): PullRequestCommitConnection!
    createdAt: DateTime!
    deletions: Int!
    files(first: Int, after: String): PullRequestChangedFileConnection
    fullDatabaseId: BigInt
    headRefName: String!
    headRefOid: GitObjectID!
    headRepository: Repository
    headRepositoryOwner: RepositoryOwner
    id: ID!
    isCrossRepository: Boolean!
    isDraft: Boolean!
    labels(first: Int, after: String): LabelConnection
    latestReviews(first: Int, after: String): PullRequestReviewConnection
    maintainerCanModify: Boolean!
    mergeCommit: Commit
    mergeStateStatus: MergeStateStatus!
    mergeable: MergeableState!
    mergedAt: DateTime
    mergedBy: Actor
    milestone: Milestone
    number: Int!
    potentialMergeCommit: Commit
    reactionGroups: [ReactionGroup!]
    reviewDecision: PullRequestReviewDecision
    reviewRequests(first: Int, after: String): ReviewRequestConnection
    reviews(first: Int, last: Int, after: String, before: String): PullRequestReviewConnection
    state: PullRequestState!
    title: String!
    updatedAt: DateTime!
    url: URI!
  }
  type AutoMergeRequest {
    authorEmail: String
    commitBody: String
    commitHeadline: String
    enabledAt: DateTime
    enabledBy: Actor
    mergeMethod: PullRequestMergeMethod!
  }
  type PullRequestChangedFileConnection {
    nodes: [PullRequestChangedFile]
    totalCount: Int!
    pageInfo: PageInfo!
  }
  type PullRequestChangedFile {
    additions: Int!
    deletions: Int!
    path: String!
  }
  type PullRequestReviewConnection {
    nodes: [PullRequestReview]
    totalCount: Int!
    pageInfo: PageInfo!
  }
  type PullRequestReview {
    author: Actor
    authorAssociation: CommentAuthorAssociation!
    body: String!
    commit: Commit
    id: ID!
    includesCreatedEdit: Boolean!
    reactionGroups: [ReactionGroup!]
    state: PullRequestReviewState!
    submittedAt: DateTime
    url: URI!
  }
  union RequestedReviewer = Bot | Mannequin | Team | User
  type ReviewRequestConnection {
    nodes: [ReviewRequest]
    totalCount: Int!
  }
  type ReviewRequest {
    requestedReviewer: RequestedReviewer
  }

  type PullRequestCommitConnection {
    nodes: [PullRequestCommit]
    totalCount: Int!
    pageInfo: PageInfo!
  }
  type PullRequestCommit {
    commit: Commit!
  }
  type Commit {
    authoredDate: DateTime!
    authors(first: Int, after: String): GitActorConnection!
    committedDate: DateTime!
    messageBody: String!
    messageHeadline: String!
    oid: GitObjectID!
    statusCheckRollup: StatusCheckRollup
  }
  type GitActorConnection {
    nodes: [GitActor]
  }
  type GitActor {
    email: String
    name: String
    user: User
  }
  enum StatusState { ERROR EXPECTED FAILURE PENDING SUCCESS }
  enum CheckStatusState { COMPLETED IN_PROGRESS PENDING QUEUED REQUESTED WAITING }
  enum CheckConclusionState {
    ACTION_REQUIRED CANCELLED FAILURE NEUTRAL SKIPPED STALE STARTUP_FAILURE SUCCESS TIMED_OUT
  }
  enum CheckRunState {
    ACTION_REQUIRED CANCELLED COMPLETED FAILURE IN_PROGRESS NEUTRAL PENDING QUEUED SKIPPED STALE STARTUP_FAILURE SUCCESS
    TIMED_OUT WAITING
  }
  type StatusCheckRollup {
    state: StatusState!
    contexts(first: Int, last: Int, after: String, before: String): StatusCheckRollupContextConnection!
  }
  type StatusCheckRollupContextConnection {
    checkRunCount: Int!
    checkRunCountsByState: [CheckRunStateCount!]
    nodes: [StatusCheckRollupContext]
    pageInfo: PageInfo!
    statusContextCount: Int!
    statusContextCountsByState: [StatusContextStateCount!]
  }
  type CheckRunStateCount {
    state: CheckRunState!
    count: Int!
  }
  type StatusContextStateCount {
    state: StatusState!
    count: Int!
  }
  union StatusCheckRollupContext = CheckRun | StatusContext
  type StatusContext {
    context: String!
    createdAt: DateTime!
    description: String
    isRequired(pullRequestId: ID, pullRequestNumber: Int): Boolean!
    state: StatusState!
    targetUrl: URI
  }
  type CheckRun {
    checkSuite: CheckSuite!
    completedAt: DateTime
    conclusion: CheckConclusionState
    detailsUrl: URI
    isRequired(pullRequestId: ID, pullRequestNumber: Int): Boolean!
    name: String!
    startedAt: DateTime
    status: CheckStatusState!
  }
  type CheckSuite {
    workflowRun: WorkflowRun
  }
  type WorkflowRun {
    event: String!
    workflow: Workflow!
  }
  type Workflow {
    name: String!
  }
`

export const githubSchema = buildSchema(SDL)
