import fs from 'node:fs'
import type { IncomingMessage } from 'node:http'
import path from 'node:path'
import {
  buildSchema,
  execute,
  OverlappingFieldsCanBeMergedRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql'
import { z } from 'zod'
import { type Certificates, serveHttps } from '../../harness/hosts/https-host.ts'
import { COMMENT, connection, ISSUE, OWNER, PULL } from './stand-in-data.ts'

/**
 * A stand-in for GitHub, which the tests cannot reach: its GraphQL API, executed on the schema that GitHub publishes
 * (package @octokit/graphql-schema), and the few REST calls of the tests (GitHub REST 2022-11-28, "Pulls", "Issues").
 * It has the project `acme/repository`, and a project `acme/secret` that no agent of the gate may see.
 */
export interface StandInGitHub extends AsyncDisposable {
  readonly url: string
  /** The token that it takes. */
  token: string
  readonly requests: SeenCall[]
  readonly pulls: Pull[]
  readonly comments: { subject: string; body: string }[]
  /** Adds a pull request, of `acme/repository` unless it is secret. */
  addPull(pull: { title: string; head: string; body?: string; isSecret?: boolean }): Pull
  /** Answers the next request with this. */
  answerNext(answer: { status: number; headers?: Record<string, string>; body?: unknown }): void
}

export interface SeenCall {
  readonly method: string
  readonly path: string
  readonly authorization: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Pull {
  readonly id: string
  readonly number: number
  readonly title: string
  readonly body: string
  readonly head: string
  readonly base: string
  readonly isDraft: boolean
  readonly isSecret: boolean
}

export const PROJECT = 'acme/repository'
export const REPOSITORY_ID = 'R_repository'
export const DIFF =
  'diff --git a/login.txt b/login.txt\n--- a/login.txt\n+++ b/login.txt\n@@ -1 +1 @@\n-old\n+new\n'

/** The package exports the schema as one value with all its types, whose loading takes seconds. */
const PUBLISHED = path.join(
  import.meta.dirname,
  '../../../node_modules/@octokit/graphql-schema/schema.graphql',
)

export const publishedSchema = buildSchema(fs.readFileSync(PUBLISHED, 'utf8'), { assumeValid: true })

/** GitHub lets a field of two types have one name: gh relies on it. */
const RULES = specifiedRules.filter(rule => rule !== OverlappingFieldsCanBeMergedRule)

const Request = z.object({ query: z.string(), variables: z.record(z.string(), z.unknown()).optional() })
const NewPull = z.object({
  title: z.string(),
  body: z.string().default(''),
  head: z.string(),
  base: z.string(),
})

export async function startStandInGitHub(certificates: Certificates): Promise<StandInGitHub> {
  const next: Parameters<StandInGitHub['answerNext']>[0][] = []
  const answerTo = async (method: string, route: string, body: string) => {
    if (method === 'POST' && route === '/graphql')
      return { status: 200, body: await graphql(Request.parse(JSON.parse(body))) }
    const number = Number(/^\/repos\/acme\/repository\/pulls\/(\d+)$/.exec(route)?.[1])
    const pull = host.pulls.find(each => each.number === number && !each.isSecret)
    if (method === 'GET' && pull) return { status: 200, body: restPull(pull) }
    if (method === 'GET' && route.startsWith('/repos/acme/repository/pulls?'))
      return { status: 200, body: host.pulls.filter(({ isSecret }) => !isSecret).map(restPull) }
    if (method === 'POST' && route === '/repos/acme/repository/pulls') {
      const { title, body: text, head, base } = NewPull.parse(JSON.parse(body))
      return { status: 201, body: restPull(add({ title, body: text, head, base })) }
    }
    if (method === 'POST' && /^\/repos\/acme\/repository\/issues\/\d+\/comments$/.test(route)) {
      host.comments.push({ subject: route, body: String(JSON.parse(body).body) })
      return { status: 201, body: { id: 1 } }
    }
    return { status: 404, body: { message: 'Not Found' } }
  }
  const graphql = async ({ query, variables }: z.infer<typeof Request>) => {
    const document = parse(query)
    const errors = validate(publishedSchema, document, RULES)
    if (errors.length > 0) return { errors: errors.map(({ message }) => ({ message })) }
    return execute({
      schema: publishedSchema,
      document,
      rootValue: rootOf(host, add),
      ...(variables ? { variableValues: variables } : {}),
    })
  }
  const add = (pull: Partial<Pull> & { title: string; head: string }): Pull => {
    const number = host.pulls.length + 1
    const made = {
      id: `PR_${number}`,
      number,
      body: '',
      base: 'main',
      isDraft: false,
      isSecret: false,
      ...pull,
    }
    host.pulls.push(made)
    return made
  }
  const server = await serveHttps(certificates, async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { method = '', url = '', headers } = request
    const authorization = headers.authorization ?? ''
    host.requests.push({ method, path: url, authorization, headers, body })
    const isKnown = authorization === `Bearer ${host.token}`
    const given = next.shift()
    const answer: Parameters<StandInGitHub['answerNext']>[0] =
      given ??
      (isKnown ? await answerTo(method, url, body) : { status: 401, body: { message: 'Bad credentials' } })
    const wantsDiff = !given && answer.status === 200 && /diff$/.test(headers.accept ?? '')
    response.writeHead(answer.status, {
      'content-type': wantsDiff ? 'application/vnd.github.diff; charset=utf-8' : 'application/json',
      ...answer.headers,
    })
    response.end(wantsDiff ? DIFF : JSON.stringify(answer.body ?? {}))
  })
  const host: StandInGitHub = {
    url: server.origin,
    token: ['stand', 'in', 'token', Math.random().toString(36).slice(2)].join('-'),
    requests: [],
    pulls: [],
    comments: [],
    addPull: add,
    answerNext: answer => next.push(answer),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
  return host
}

const webUrl = ({ number, isSecret }: Pull) =>
  `https://github.com/acme/${isSecret ? 'secret' : 'repository'}/pull/${number}`

/** With the keys that GitHub's description has for a repository. */
const restPull = (pull: Pull) => ({
  number: pull.number,
  html_url: webUrl(pull),
  title: pull.title,
  head: { ref: pull.head, repo: { full_name: PROJECT, temp_clone_token: 'a-secret-of-the-host' } },
})

function rootOf(host: StandInGitHub, add: (pull: Partial<Pull> & { title: string; head: string }) => Pull) {
  const repositoryOf = (isSecret: boolean): Record<string, unknown> => ({
    __typename: 'Repository',
    id: isSecret ? 'R_secret' : REPOSITORY_ID,
    name: isSecret ? 'secret' : 'repository',
    nameWithOwner: isSecret ? 'acme/secret' : PROJECT,
    owner: OWNER,
    description: '',
    defaultBranchRef: { name: 'main' },
    hasIssuesEnabled: true,
    hasWikiEnabled: true,
    viewerPermission: 'WRITE',
    mergeCommitAllowed: true,
    rebaseMergeAllowed: true,
    squashMergeAllowed: true,
    tempCloneToken: 'a-secret-of-the-host',
    pullRequest: ({ number }: { number: number }) => {
      const pull = host.pulls.find(each => each.number === number && each.isSecret === isSecret)
      return pull ? pullOf(pull) : null
    },
    pullRequests: ({ headRefName }: { headRefName?: string | null }) =>
      connection(
        host.pulls
          .filter(each => each.isSecret === isSecret && (headRefName == null || each.head === headRefName))
          .map(pullOf),
      ),
    issueOrPullRequest: ({ number }: { number: number }) => (number === 90 ? ISSUE : null),
    issues: () => connection([ISSUE]),
  })
  const pullOf = (pull: Pull): Record<string, unknown> => ({
    __typename: 'PullRequest',
    ...PULL,
    id: pull.id,
    number: pull.number,
    title: pull.title,
    body: pull.body,
    url: webUrl(pull),
    isDraft: pull.isDraft,
    baseRefName: pull.base,
    headRefName: pull.head,
    repository: repositoryOf(pull.isSecret),
    headRepository: repositoryOf(pull.isSecret),
    comments: connection(
      host.comments.filter(({ subject }) => subject === pull.id).map(({ body }) => ({ ...COMMENT, body })),
    ),
  })
  const find = (id: string) => host.pulls.find(each => each.id === id)
  const nodeOf = (id: string) => {
    const pull = find(id)
    if (pull) return pullOf(pull)
    if (id === REPOSITORY_ID || id === 'R_secret') return repositoryOf(id === 'R_secret')
    return null
  }
  return {
    viewer: { __typename: 'User', id: 'U_bot', login: 'acme-bot' },
    repository: ({ owner, name }: { owner: string; name: string }) =>
      owner === 'acme' && (name === 'repository' || name === 'secret')
        ? repositoryOf(name === 'secret')
        : null,
    node: ({ id }: { id: string }) => nodeOf(id),
    nodes: ({ ids }: { ids: string[] }) => ids.map(nodeOf),
    search: () => connection(host.pulls.map(pullOf)),
    createPullRequest: ({ input }: { input: Record<string, string> }) => {
      const { title = '', body = '', headRefName: head = '', baseRefName: base = '' } = input
      const isSecret = input.repositoryId === 'R_secret'
      return { pullRequest: pullOf(add({ title, body, head, base, isSecret })) }
    },
    addComment: ({ input }: { input: { subjectId: string; body: string } }) => {
      host.comments.push({ subject: input.subjectId, body: input.body })
      const node = { ...COMMENT, body: input.body }
      return { commentEdge: { node } }
    },
    mergePullRequest: () => ({ pullRequest: null }),
  }
}
