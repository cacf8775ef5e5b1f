import { describe, expect, test } from 'vitest'
import { refuseWrite } from '../../../container/host-calls/grant.ts'
import { planRest } from '../../../container/host-calls/rest-plan.ts'
import { GrantTerms } from '../../../src/contract/grant.ts'
import type { ForgeKind } from '../../../src/contract/hosts/forge.ts'
import { AgentName } from '../../../src/contract/names.ts'
import { pullRequestCall } from '../../../src/host-calls/pull-request-call.ts'
import { upstreamOf } from '../../harness/hosts/upstream-of.ts'

const forge = (kind: ForgeKind) => ({ kind, apiUrl: 'https://git.example.com', project: 'acme/app' })
const plan = (kind: ForgeKind, asked: string, body?: unknown, accept = '') => {
  const [method = '', url = ''] = asked.split(' ')
  const [path = '', query] = url.split('?')
  return planRest(
    {
      method: method === 'POST' ? 'POST' : 'GET',
      path,
      query: query === undefined ? '' : `?${query}`,
      accept,
    },
    path,
    body,
    forge(kind),
  )
}
const open = { title: 'T', body: 'B', base: 'main', head: 'ada/x' }

describe('a REST call is refused', () => {
  test.each<[ForgeKind, string, unknown?]>([
    ['github', 'GET /repos/acme/secret/pulls'],
    ['github', 'GET /repos/acme/app'],
    ['github', 'GET /repos/acme/app/actions/secrets'],
    ['github', 'GET /repos/acme/app/contents/x'],
    ['github', 'GET /repos/acme/app/pulls/1/../../../secret'],
    ['github', 'GET /repos/acme/app/pulls/1%2F..'],
    ['github', 'GET /repos/acme%2Fapp/pulls'],
    ['github', 'GET /repos/acme/app/commits/main/status'],
    ['github', 'GET /repositories/1/pulls'],
    ['github', 'GET /user/repos'],
    ['github', 'GET /search/issues?q=x'],
    ['github', 'GET /repos/acme/app/pulls?access_token=x'],
    ['github', 'POST /repos/acme/app/issues', { title: 'T' }],
    ['github', 'POST /repos/acme/app/pulls', { ...open, head: 'other:main' }],
    ['github', 'POST /repos/acme/app/pulls', { ...open, head_repo: 'other/app' }],
    ['github', 'POST /repos/acme/app/pulls', { ...open, base: 'a..b' }],
    ['github', 'POST /repos/acme/app/pulls/1/merge', {}],
    ['gitea', 'POST /repos/acme/app/pulls', { ...open, assignees: ['x'] }],
    ['gitea', 'GET /repos/acme/app/pulls/1.html'],
    ['gitlab', 'GET /projects/acme%2Fsecret/merge_requests'],
    ['gitlab', 'GET /projects/acme/app/merge_requests'],
    ['gitlab', 'GET /projects/acme%2Fapp/variables'],
    ['gitlab', 'GET /projects/acme%2Fapp/merge_requests?private_token=x'],
    ['gitlab', 'POST /projects/acme%2Fapp/merge_requests/1/merge', {}],
    ['gitlab', 'GET /projects/acme%2Fapp/repository/commits/refs%2Fkeep-around%2Fx'],
    ['gitlab', 'GET /projects/acme%2Fapp/repository/commits/..%2F..%2Fvariables'],
    ['gitlab', 'GET /projects/acme%2Fapp/repository/commits/main%3Fstats'],
    ['gitlab', 'GET /projects/acme%2Fapp/pipelines/1/variables'],
  ])('%s: %s', (kind, asked, body) => {
    expect(plan(kind, asked, body)).toMatchObject({ is: 'refused' })
  })
})

describe('a REST call is known', () => {
  test('by the project in any spelling, and is sent with the gate’s own', () => {
    expect(plan('github', 'GET /repos/ACME/App/pulls?state=open&head=acme:x%20y')).toMatchObject({
      known: {
        operation: 'list pull requests',
        call: { path: '/repos/acme/app/pulls?state=open&head=acme%3Ax+y' },
      },
    })
    expect(plan('gitlab', 'GET /projects/Acme%2Fapp/merge_requests/3/notes')).toMatchObject({
      known: { call: { path: '/projects/acme%2Fapp/merge_requests/3/notes' }, proofs: [] },
    })
  })

  test('a diff is text, and any other media type gives JSON', () => {
    const diff = plan(
      'github',
      'GET /repos/acme/app/pulls/1',
      undefined,
      'application/vnd.github.v3.diff; charset=utf-8',
    )
    expect(diff).toMatchObject({ known: { answer: 'text', call: { accept: 'application/vnd.github.diff' } } })
    const json = plan('github', 'GET /repos/acme/app/pulls/1', undefined, 'text/html')
    expect(json).toMatchObject({ known: { answer: 'rest' } })
    expect(plan('gitea', 'GET /repos/acme/app/pulls/1.diff')).toMatchObject({ known: { answer: 'text' } })
  })

  test('a number stands for a project or a pull request once the host confirms it', () => {
    expect(plan('gitlab', 'GET /projects/17/merge_requests')).toMatchObject({
      known: {
        call: { path: '/projects/acme%2Fapp/merge_requests' },
        proofs: [{ kind: 'project', id: '17' }],
      },
    })
    expect(plan('github', 'POST /repos/acme/app/issues/5/comments', { body: 'Hi' })).toMatchObject({
      known: { isWrite: true, texts: ['Hi'], proofs: [{ kind: 'number', number: '5' }] },
    })
    const wanted = { title: 'T', source_branch: 'ada/x', target_branch: 'main', target_project_id: 9 }
    expect(plan('gitlab', 'POST /projects/acme%2Fapp/merge_requests', wanted)).toMatchObject({
      known: { opens: { base: 'main', head: 'ada/x' }, proofs: [{ kind: 'project', id: '9' }] },
    })
  })

  test.each<ForgeKind>(['github', 'gitea', 'gitlab'])('the gate’s own call for a pull request: %s', kind => {
    const wanted = { branch: 'ada/x', base: 'main', title: 'T', body: 'B' }
    const { path, body } = pullRequestCall(forge(kind), wanted)
    expect(plan(kind, `POST ${path.replace(/^\/api\/v\d/, '')}`, JSON.parse(body))).toMatchObject({
      known: { isWrite: true, opens: { base: 'main', head: 'ada/x' }, texts: ['T', 'B'], proofs: [] },
    })
  })

  test('a branch is percent-encoded anew, and what glab always sends but never needs is left out', () => {
    expect(plan('gitlab', 'GET /projects/acme%2Fapp/repository/commits/ada%2fx%23y')).toMatchObject({
      known: { call: { path: '/projects/acme%2Fapp/repository/commits/ada%2Fx%23y' } },
    })
    expect(plan('gitlab', 'GET /projects/acme%2Fapp?license=true&with_custom_attributes=true')).toMatchObject(
      { known: { call: { path: '/projects/acme%2Fapp' } } },
    )
    const open = { title: 'T', source_branch: 'ada/x', target_branch: 'main', labels: '' }
    const merge = plan('gitlab', 'POST /projects/acme%2Fapp/merge_requests', open)
    expect(merge).toMatchObject({ is: 'known' })
    expect(JSON.stringify(merge)).not.toContain('labels')
    expect(
      plan('gitlab', 'POST /projects/acme%2Fapp/merge_requests', { ...open, labels: 'deploy' }),
    ).toMatchObject({ is: 'refused' })
  })

  test('GitLab’s quick actions stay text', () => {
    const note = plan('gitlab', 'POST /projects/acme%2Fapp/merge_requests/1/notes', {
      body: 'Good\n  /merge\r/close',
    })
    expect(note).toMatchObject({ known: { call: { body: { body: 'Good\n  \\/merge\r\\/close' } } } })
    const wanted = { title: 'T', source_branch: 'ada/x', target_branch: 'main', description: '/merge' }
    expect(plan('gitlab', 'POST /projects/acme%2Fapp/merge_requests', wanted)).toMatchObject({
      known: { call: { body: { description: '\\/merge' } } },
    })
  })

  test('a text of empty lines takes no longer than any other of its length', { timeout: 5_000 }, () => {
    const body = `/merge${'\n'.repeat(59_990)}x`
    expect(plan('gitlab', 'POST /projects/acme%2Fapp/merge_requests/1/notes', { body })).toMatchObject({
      known: { call: { body: { body: body.replace('/', '\\/') } } },
    })
  })
})

describe('the grant', () => {
  const repository = upstreamOf({ url: 'https://github.com/acme/app', identity: null })
  const why = (terms: object, known: Parameters<typeof refuseWrite>[0]) =>
    refuseWrite(known, { agent: AgentName.parse('ada'), repository, terms: GrantTerms.parse(terms) })
  const rules = [{ pattern: 'refs/heads/ada/**', allow: ['create', 'update'] }]
  const opens = { base: 'main', head: 'ada/x' }

  test('allows reads, writes, bases and branches one by one', () => {
    expect(why({}, { isWrite: false })).toContain('--host-api read')
    expect(why({ hostApi: 'read' }, { isWrite: false })).toBeUndefined()
    expect(why({ hostApi: 'read' }, { isWrite: true })).toContain('--host-api write')
    expect(why({ hostApi: 'write' }, { isWrite: true })).toBeUndefined()
    expect(why({ hostApi: 'write', rules }, { isWrite: true, opens })).toContain(
      'may not open pull requests into main',
    )
    const all = { hostApi: 'write', rules, pullRequests: ['main'] }
    expect(why(all, { isWrite: true, opens })).toBeUndefined()
    expect(why(all, { isWrite: true, opens: { ...opens, head: 'bob/x' } })).toContain('may not push to bob/x')
  })
})
