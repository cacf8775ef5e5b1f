import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { type Certificates, serveHttps } from '../../harness/hosts/https-host.ts'
import { DIFF_VERSION, ISSUE, JOB, mergeRequest, NOTE, PIPELINE, PROJECT_FIELDS } from './stand-in-data.ts'

/**
 * A stand-in for GitLab, which the tests cannot reach, written from the published description of its REST API v4
 * ("Projects", "Merge requests", "Notes", "Issues", "Commits", "Pipelines", "Jobs"). It has the project
 * `acme/repository`, which is number 17.
 */
export interface StandInGitLab extends AsyncDisposable {
  /** Its address, without a path. */
  readonly url: string
  /** The token that it takes. */
  readonly token: string
  readonly requests: { method: string; path: string; authorization: string; body: string }[]
  readonly opened: Record<string, unknown>[]
  readonly notes: string[]
}

export const PROJECT = 'acme/repository'
const AT = '/api/v4/projects/acme%2Frepository'
const Text = z.record(z.string(), z.unknown())

interface Answer {
  readonly status: number
  readonly body: unknown
  readonly type?: string
}
const found = (body: unknown): Answer => ({ status: 200, body })

export async function startStandInGitLab(certificates: Certificates): Promise<StandInGitLab> {
  const answerTo = (method: string, { pathname, searchParams }: URL, body: string): Answer => {
    const route = `${method} ${pathname.replace(AT, '').replace(/\/\d+(?=\/|$)/g, '/N')}`
    const all = gitlab.opened.map((fields, at) => mergeRequest(gitlab.url, at + 1, fields))
    const one = all[Number(/merge_requests\/(\d+)/.exec(pathname)?.[1]) - 1]
    const given = body ? Text.parse(JSON.parse(body)) : {}
    if (/^\w+ \/merge_requests\/N/.test(route) && !one)
      return { status: 404, body: { message: '404 Not found' } }
    const branch = searchParams.get('source_branch')
    switch (route) {
      case 'GET ':
        return found(PROJECT_FIELDS)
      case 'GET /merge_requests':
        return found(all.filter(each => branch === null || each.source_branch === branch))
      case 'POST /merge_requests':
        gitlab.opened.push(given)
        return { status: 201, body: mergeRequest(gitlab.url, gitlab.opened.length, given) }
      case 'GET /merge_requests/N':
        return found(one)
      case 'GET /merge_requests/N/notes':
      case 'GET /issues/N/notes':
        return found(gitlab.notes.map(text => ({ ...NOTE, body: text })))
      case 'POST /merge_requests/N/notes':
        gitlab.notes.push(String(given.body))
        return { status: 201, body: { ...NOTE, body: given.body } }
      case 'GET /merge_requests/N/approval_state':
        return found({ approval_rules_overwritten: false, rules: [] })
      case 'GET /merge_requests/N/versions':
        return found([DIFF_VERSION])
      case 'GET /merge_requests/N/versions/N':
        return found(DIFF_VERSION)
      case 'GET /merge_requests/N/raw_diffs':
        return { status: 200, body: 'diff --git a/a b/a\n', type: 'text/plain' }
      case 'GET /issues':
        return found([ISSUE])
      case 'GET /issues/N':
        return found(ISSUE)
      case 'GET /repository/commits/main':
      case 'GET /repository/commits/ada%2Flogin':
        return found({ id: 'a'.repeat(40), last_pipeline: PIPELINE })
      case 'GET /pipelines':
        return found([PIPELINE])
      case 'GET /pipelines/N':
        return found(PIPELINE)
      case 'GET /pipelines/N/jobs':
        return found([JOB])
    }
    return { status: 404, body: { message: '404 Not found' } }
  }
  const server = await serveHttps(certificates, async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { method = '', url = '', headers } = request
    const authorization = headers.authorization ?? ''
    gitlab.requests.push({ method, path: url, authorization, body })
    const answer: Answer =
      authorization === `Bearer ${gitlab.token}`
        ? answerTo(method, new URL(url, server.origin), body)
        : { status: 401, body: { message: '401 Unauthorized' } }
    response.writeHead(answer.status, {
      'content-type': answer.type ?? 'application/json',
      // Of one page (GitLab: "Pagination").
      'x-page': '1',
      'x-total-pages': '1',
    })
    response.end(answer.type ? String(answer.body) : JSON.stringify(answer.body))
  })
  const gitlab: StandInGitLab = {
    url: server.origin,
    token: ['stand', 'in', 'token', randomBytes(6).toString('hex')].join('-'),
    requests: [],
    opened: [],
    notes: [],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
  return gitlab
}
