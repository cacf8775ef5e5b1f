import { describe, expect, test } from 'vitest'
import { planGraphQl } from '../../../container/host-calls/graphql-plan.ts'

const PROJECT = 'acme/repository'
const plan = (query: string, variables?: Record<string, unknown>) =>
  planGraphQl({ query, ...(variables ? { variables } : {}) }, PROJECT)

const REPOSITORY = 'repository(owner: "acme", name: "repository")'
const CREATE =
  'mutation($input: CreatePullRequestInput!) { createPullRequest(input: $input) { pullRequest { url } } }'
const input = { repositoryId: 'R_1', baseRefName: 'main', headRefName: 'ada/x', title: 'T', body: 'B' }

describe('a GraphQL request is refused', () => {
  test.each([
    [
      'another repository',
      '{ repository(owner: "acme", name: "secret") { pullRequest(number: 1) { title } } }',
    ],
    [
      'another repository beside this',
      `{ ${REPOSITORY} { id } other: repository(owner: "acme", name: "secret") { id } }`,
    ],
    [
      'a repository by a variable',
      'query($n: String = "secret") { repository(owner: "acme", name: $n) { id } }',
    ],
    ['a search', '{ search(query: "x", type: ISSUE, first: 1) { issueCount } }'],
    ['the viewer', '{ viewer { login } }'],
    ['the viewer’s repositories', '{ viewer { repositories(first: 9) { nodes { name } } } }'],
    ['nodes', '{ nodes(ids: ["PR_1"]) { id } }'],
    [
      'the owner’s repositories',
      `{ ${REPOSITORY} { owner { ... on Organization { repositories(first: 9) { totalCount } } } } }`,
    ],
    ['a token of the host', `{ ${REPOSITORY} { tempCloneToken } }`],
    ['deploy keys', `{ ${REPOSITORY} { deployKeys(first: 9) { nodes { key } } } }`],
    ['files', `{ ${REPOSITORY} { object(expression: "HEAD:x") { ... on Blob { text } } } }`],
    ['forks', `{ ${REPOSITORY} { forks(first: 1) { nodes { pullRequest(number: 1) { body } } } } }`],
    [
      'the content of a fork',
      `{ ${REPOSITORY} { pullRequest(number: 1) { headRepository { pullRequest(number: 1) { body } } } } }`,
    ],
    [
      'more of a fork than its name',
      `{ ${REPOSITORY} { pullRequest(number: 1) { headRepository { ... on Repository { description viewerPermission } } } } }`,
    ],
    [
      'an issue that a pull request closes',
      `{ ${REPOSITORY} { pullRequest(number: 1) { closingIssuesReferences(first: 1) { nodes { body } } } } }`,
    ],
    ['a parent alone', `{ ${REPOSITORY} { parent { id } } }`],
    ['a repository as a node', '{ node(id: "R_1") { ... on Repository { name } } }'],
    [
      'a root by a fragment',
      `fragment f on Query { repository(owner: "acme", name: "secret") { id } } { ...f }`,
    ],
    ['a root in an inline fragment', '{ ... on Query { repository(owner: "acme", name: "secret") { id } } }'],
    ['a directive', `{ ${REPOSITORY} { id @include(if: true) } }`],
    ['two operations', `query a { ${REPOSITORY} { id } } query b { ${REPOSITORY} { id } }`],
    ['introspection beside a repository', `{ __schema { types { name } } ${REPOSITORY} { id } }`],
    ['the whole schema', '{ __schema { types { name } } }'],
    [
      'introspection whose answer grows with each level',
      '{ __type(name: "PullRequest") { a: fields { ...f } b: fields { ...f } } } fragment f on __Field { type { a: fields { name } b: fields { name } } }',
    ],
    ['many roots', `{ ${[...'abcdef'].map(name => `${name}: ${REPOSITORY} { id }`).join(' ')} }`],
    ['a subscription', 'subscription { x }'],
    [
      'another mutation',
      'mutation { mergePullRequest(input: { pullRequestId: "PR_1" }) { clientMutationId } }',
    ],
    [
      'two mutations',
      'mutation { a: addComment(input: { subjectId: "P", body: "b" }) { commentEdge { node { id } } } b: addComment(input: { subjectId: "P", body: "b" }) { commentEdge { node { id } } } }',
    ],
    ['a type definition', `type T { a: Int } { ${REPOSITORY} { id } }`],
    ['no GraphQL', 'query {'],
    [
      'a fragment of itself',
      `fragment f on PullRequest { ...f } { ${REPOSITORY} { pullRequest(number: 1) { ...f } } }`,
    ],
  ])('%s', (_, query) => {
    expect(plan(query)).toMatchObject({ is: 'refused' })
  })

  test.each([
    ['an input field that the gate does not know', { ...input, headRepositoryId: 'R_other' }],
    ['a missing title', { ...input, title: undefined }],
    ['a branch of a fork', { ...input, headRefName: 'other:main' }],
    ['a base that is no branch', { ...input, baseRefName: 'a..b' }],
    ['a title that is too long', { ...input, title: 'T'.repeat(251) }],
  ])('%s', (_, wanted) => {
    expect(plan(CREATE, { input: wanted })).toMatchObject({ is: 'refused' })
  })

  test.each([
    ['more than a query', { query: `{ ${REPOSITORY} { id } }`, extensions: {} }],
    ['a list', [{ query: `{ ${REPOSITORY} { id } }` }]],
    ['a query of too many tokens', { query: `{ ${REPOSITORY} { ${'id '.repeat(4000)} } }` }],
  ])('%s', (_, body) => {
    expect(planGraphQl(body, PROJECT)).toMatchObject({ is: 'refused' })
  })
})

describe('a GraphQL request is known', () => {
  test('of this repository, by any spelling of its name', () => {
    const read = plan(
      'query($o: String!) { repository(owner: $o, name: "Repository") { pullRequest(number: 1) { title } } }',
      { o: 'ACME' },
    )
    expect(read).toMatchObject({
      is: 'known',
      known: {
        operation: 'graphql repository pullRequest',
        isWrite: false,
        proofs: [],
        call: { path: '/graphql' },
      },
    })
  })

  test('with the ids that the host has to confirm, wherever they stand', () => {
    const query = `query($id: ID!) { node(id: $id) { ... on PullRequest { commits(last: 1) { nodes { commit { statusCheckRollup {
      contexts(first: 9) { nodes { ... on CheckRun { isRequired(pullRequestId: "PR_2") } } } } } } } } } }`
    expect(plan(query, { id: 'PR_1' })).toMatchObject({
      known: {
        proofs: [
          { kind: 'pull request', id: 'PR_1' },
          { kind: 'pull request', id: 'PR_2' },
        ],
      },
    })
    expect(plan(CREATE, { input })).toMatchObject({
      known: {
        isWrite: true,
        proofs: [{ kind: 'repository', id: 'R_1' }],
        opens: { base: 'main', head: 'ada/x' },
        texts: ['T', 'B'],
      },
    })
    const comment =
      'mutation { addComment(input: { subjectId: "PR_1", body: "b" }) { commentEdge { node { url } } } }'
    expect(plan(comment)).toMatchObject({
      known: { isWrite: true, proofs: [{ kind: 'pull request', id: 'PR_1' }], texts: ['b'] },
    })
  })

  test('and goes without the parent of a fork, which is another repository', () => {
    const read = plan(`{ ${REPOSITORY} { id parent { id tempCloneToken } } }`)
    expect(read).toMatchObject({ is: 'known' })
    expect(JSON.stringify(read)).not.toContain('parent')
  })

  test('for introspection, which the gate answers with what it allows', () => {
    const read = plan(
      '{ PullRequest: __type(name: "PullRequest") { fields(includeDeprecated: true) { name } } }',
    )
    expect(read).toMatchObject({ is: 'local' })
    expect(JSON.stringify(read)).toContain('"headRefName"')
    expect(JSON.stringify(read)).not.toContain('projectItems')
  })
})
