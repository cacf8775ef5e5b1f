import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ForgeKind } from '../../src/contract/hosts/forge.ts'

/**
 * A stand-in for the APIs of GitHub, GitLab and Gitea, which the tests cannot reach. It is written from their
 * published descriptions: GitHub REST 2022-11-28 "Pulls" and "Deploy keys", GitLab REST v4 "Merge requests" and
 * "Deploy keys", Gitea v1 "repository". It has one project, `acme/app` unless `serve` names another, and takes its
 * own token only.
 */
export interface StandInHost extends AsyncDisposable {
  /** The base URL of its API. */
  readonly api: string
  readonly token: string
  /** Changes the project that it has. */
  serve(project: string): void
  /** Every request, in order. */
  readonly requests: readonly { method: string; path: string; authorization: string; body: Json }[]
  readonly pulls: Pull[]
  readonly keys: { id: number; title: string; key: string; writable: boolean }[]
  /** Answers the next request with this, before anything else is looked at. */
  answerNext(answer: Answer): void
  /** Answers the next POST with this. */
  answerNextPost(answer: Answer): void
}

type Json = Record<string, unknown>
interface Answer {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: unknown
}
interface Pull {
  readonly number: number
  readonly branch: string
  readonly base: string
  readonly title: string
  readonly body: string
  readonly isDraft: boolean
  isOpen: boolean
}

export async function startStandInHost(kind: ForgeKind): Promise<StandInHost> {
  const token = ['stand', 'in', 'token', Math.random().toString(36).slice(2)].join('-')
  const requests: { method: string; path: string; authorization: string; body: Json }[] = []
  const pulls: Pull[] = []
  const keys: StandInHost['keys'] = []
  const next: Answer[] = []
  const nextPost: Answer[] = []
  const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  let project = 'acme/app'
  const wire = WIRES[kind]
  const answerTo = (method: string, url: URL, body: Json): Answer => {
    const path = url.pathname.replace(project.replaceAll('/', kind === 'gitlab' ? '%2F' : '/'), PROJECT[kind])
    if (method === 'GET' && path === wire.pulls)
      return {
        status: 200,
        body: wire.listed(pulls, url.searchParams).map(pull => wire.show(pull, origin())),
      }
    if (method === 'POST' && path === wire.pulls) {
      const pull = wire.read(body, pulls.length + 1)
      if (pulls.some(each => each.isOpen && each.branch === pull.branch)) return wire.exists
      pulls.push(pull)
      return { status: 201, body: wire.show(pull, origin()) }
    }
    if (method === 'POST' && path === wire.keys) {
      if (keys.some(({ key }) => key === body.key)) return wire.keyExists
      const writable = body.can_push === true || body.read_only === false
      const key = { id: keys.length + 1, title: String(body.title), key: String(body.key), writable }
      keys.push(key)
      return { status: 201, body: { id: key.id, title: key.title, key: key.key } }
    }
    const id = path.startsWith(`${wire.keys}/`) ? Number(path.slice(wire.keys.length + 1)) : undefined
    const at = keys.findIndex(key => key.id === id)
    if (method === 'DELETE' && at >= 0) {
      keys.splice(at, 1)
      return { status: 204 }
    }
    return { status: 404, body: { message: 'Not Found' } }
  }
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString('utf8')
    const body = (text ? JSON.parse(text) : {}) as Json
    const { method = '', url = '', headers } = request
    const authorization = headers.authorization ?? ''
    requests.push({ method, path: url, authorization, body })
    const given = next.shift() ?? (method === 'POST' ? nextPost.shift() : undefined)
    const isKnown = authorization === `${wire.scheme} ${token}`
    const unknown: Answer = { status: 401, body: { message: 'Bad credentials' } }
    const answer = given ?? (isKnown ? answerTo(method, new URL(url, origin()), body) : unknown)
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
    response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    api: origin(),
    token,
    serve(other) {
      project = other
    },
    requests,
    pulls,
    keys,
    answerNext: answer => next.push(answer),
    answerNextPost: answer => nextPost.push(answer),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The project's place in the paths below. */
const PROJECT: Readonly<Record<ForgeKind, string>> = {
  github: 'acme/app',
  gitlab: 'acme%2Fapp',
  gitea: 'acme/app',
}

interface Wire {
  readonly scheme: string
  readonly pulls: string
  readonly keys: string
  listed(pulls: readonly Pull[], query: URLSearchParams): readonly Pull[]
  show(pull: Pull, origin: string): Json
  read(body: Json, number: number): Pull
  readonly exists: Answer
  readonly keyExists: Answer
}

const pullOf = (number: number, body: Json, isDraft: boolean, title = String(body.title)): Pull => ({
  number,
  branch: String(body.head ?? body.source_branch),
  base: String(body.base ?? body.target_branch),
  title,
  body: String(body.body ?? body.description),
  isDraft,
  isOpen: true,
})

const WIRES: Readonly<Record<ForgeKind, Wire>> = {
  github: {
    scheme: 'Bearer',
    pulls: '/repos/acme/app/pulls',
    keys: '/repos/acme/app/keys',
    listed: (pulls, query) =>
      pulls.filter(({ isOpen, branch }) => isOpen && query.get('head')?.split(':')[1] === branch),
    show: ({ number }, origin) => ({ number, html_url: `${origin}/acme/app/pull/${number}` }),
    read: (body, number) => pullOf(number, body, body.draft === true),
    exists: {
      status: 422,
      body: {
        message: 'Validation Failed',
        errors: [{ resource: 'PullRequest', message: 'A pull request already exists for acme:x.' }],
      },
    },
    keyExists: {
      status: 422,
      body: { message: 'Validation Failed', errors: [{ field: 'key', message: 'key is already in use' }] },
    },
  },
  gitlab: {
    scheme: 'Bearer',
    pulls: '/projects/acme%2Fapp/merge_requests',
    keys: '/projects/acme%2Fapp/deploy_keys',
    listed: (pulls, query) =>
      pulls.filter(({ isOpen, branch }) => isOpen && query.get('source_branch') === branch),
    show: ({ number }, origin) => ({
      iid: number,
      web_url: `${origin}/acme/app/-/merge_requests/${number}`,
    }),
    read: (body, number) => {
      const title = String(body.title)
      return pullOf(number, body, title.startsWith('Draft: '), title.replace(/^Draft: /, ''))
    },
    exists: {
      status: 409,
      body: { message: ['Another open merge request already exists for this source branch: !1'] },
    },
    keyExists: { status: 400, body: { message: { fingerprint_sha256: ['has already been taken'] } } },
  },
  gitea: {
    scheme: 'token',
    pulls: '/repos/acme/app/pulls',
    keys: '/repos/acme/app/keys',
    listed: (pulls, query) => (query.get('page') === '1' ? pulls.filter(({ isOpen }) => isOpen) : []),
    show: ({ number, branch }, origin) => ({
      number,
      html_url: `${origin}/acme/app/pulls/${number}`,
      head: { ref: branch, repo_id: 1 },
      base: { repo_id: 1 },
    }),
    read: (body, number) => {
      const title = String(body.title)
      return pullOf(number, body, title.startsWith('WIP: '), title.replace(/^WIP: /, ''))
    },
    exists: { status: 409, body: { message: 'pull request already exists for these targets [id: 1]' } },
    keyExists: { status: 422, body: { message: 'key has been used' } },
  },
}
