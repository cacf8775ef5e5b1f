import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HostCallPage } from '../../../src/contract/admin-api/records.ts'
import { hostClientOf } from '../../../src/contract/hosts/host-client.ts'
import { makeCertificates, passOnTo, serveHttps, startHttpsHost } from '../../harness/hosts/https-host.ts'
import { type Agent, accepted, type Clone, type Gate, sharedGate } from '../../harness/index.ts'
import { findProgram, type ProgramRan, runProgram } from '../client-program.ts'
import { PROJECT, type StandInGitLab, startStandInGitLab } from './stand-in-gitlab.ts'

const program = findProgram('glab')
const NAME = 'gitlab.example/acme/repository'

/** GitLab's own client (tried: 1.53), against the stand-in for GitLab. */
describe.skipIf(program === undefined)('glab (skipped where no glab is on PATH)', () => {
  const ends = new AsyncDisposableStack()
  let gitlab: StandInGitLab
  let gate: Gate
  let ada: Agent
  let work: Clone
  let env: Record<string, string>
  let environmentFor: (gateUrl: string) => Record<string, string>
  const glab = (...args: string[]): Promise<ProgramRan> =>
    runProgram(program ?? '', args, { cwd: work.dir, env })

  beforeAll(async () => {
    const certificates = makeCertificates()
    gitlab = ends.use(await startStandInGitLab(certificates))
    gate = ends.use(await sharedGate())
    const host = ends.use(await startHttpsHost(gate.upstream.dir, certificates))
    host.tokens.set(gitlab.token, 'write')
    const api = `${gitlab.url}/api/v4`
    await gate.admin.request('PUT', '/credentials/bot', { user: 'oauth2', secret: gitlab.token })
    await gate.admin.request('POST', '/repositories', {
      name: NAME,
      upstream: host.url,
      credential: 'bot',
      ca: certificates.ca,
      forge: 'gitlab',
      apiUrl: api,
    })
    const front = ends.use(await serveHttps(certificates, passOnTo(gate.url)))
    const rights = { push: ['ada/**'], pullRequests: ['main'], hostApi: 'write' as const }
    ada = await gate.agent('ada', rights, { repository: NAME })
    work = await ada.clone()
    const ca = path.join(work.dir, '.git', 'gate-ca.pem')
    fs.writeFileSync(ca, certificates.ca)
    environmentFor = gateUrl => ({
      ...hostClientOf(gateUrl, { name: NAME, url: host.url, forge: 'gitlab', apiUrl: api })?.variables,
      GITLAB_TOKEN: ada.token,
      SSL_CERT_FILE: ca,
      GLAB_CONFIG_DIR: path.join(work.dir, '.git', 'glab'),
    })
    env = environmentFor(front.origin)
    // glab only reads it, for the project's name.
    await work.text(['remote', 'add', 'gitlab', `https://${env.GITLAB_API_HOST}/${PROJECT}.git`])
    await work.text(['switch', '-q', '-c', 'ada/login'])
    await work.commit('Fix the login')
    const pushed = await work.push('-o', 'pr', 'HEAD:ada/login')
    expect(pushed, pushed.output).toMatchObject(accepted)
  })
  afterAll(() => ends.disposeAsync())

  test('glab mr view, list, diff and note', async () => {
    for (const args of [['1'], [], ['ada/login', '--comments']]) {
      const viewed = await glab('mr', 'view', ...args)
      expect(viewed, viewed.stderr).toMatchObject({ code: 0 })
      expect(viewed.stdout).toMatch(/title:\s+Fix the login/)
    }
    const listed = await glab('mr', 'list', '--source-branch', 'ada/login')
    expect(listed, listed.stderr).toMatchObject({ code: 0 })
    expect(listed.stdout).toContain('Fix the login')
    expect(await glab('mr', 'diff', '1')).toMatchObject({
      code: 0,
      stdout: '--- a\n+++ a\n@@ -1 +1 @@\n-old\n+new\n',
    })
    expect(await glab('mr', 'diff', '1', '--raw')).toMatchObject({ code: 0, stdout: 'diff --git a/a b/a\n' })
    const noted = await glab('mr', 'note', '1', '-m', 'Looks good\n/merge')
    expect(noted, noted.stderr).toMatchObject({ code: 0 })
    expect(gitlab.notes).toEqual(['Looks good\n\\/merge'])
  })

  test('glab ci status, which GitLab has for checks, and glab issue view and list', async () => {
    const status = await glab('ci', 'status', '-b', 'ada/login')
    expect(status, status.stderr).toMatchObject({ code: 0 })
    expect(status.stdout).toMatch(/\(success\).*build/)
    expect(await glab('ci', 'list')).toMatchObject({ code: 0, stdout: expect.stringContaining('#501') })
    expect(await glab('issue', 'view', '90', '--comments')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Since Monday.'),
    })
    expect(await glab('issue', 'list')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('The login fails'),
    })
  })

  test('glab mr create opens a merge request of a pushed branch, without labels', async () => {
    await work.text(['switch', '-q', '-c', 'ada/two', 'origin/main'])
    await work.commit('Two')
    expect(await work.push('HEAD:ada/two')).toMatchObject(accepted)
    const options = ['-s', 'ada/two', '-b', 'main', '--title', 'Two', '--description', 'As said', '--yes']
    const made = await glab('mr', 'create', ...options, '--draft')
    expect(made, made.stderr).toMatchObject({ code: 0 })
    expect(made.stdout).toContain(`${gitlab.url}/${PROJECT}/-/merge_requests/2`)
    expect(gitlab.opened[1]).toEqual({
      title: 'Draft: Two',
      source_branch: 'ada/two',
      target_branch: 'main',
      description: 'As said',
    })
    const labelled = await glab('mr', 'create', ...options, '--label', 'deploy')
    expect(labelled.code).toBe(1)
    expect(labelled.stderr).toContain('no labels are set')
    expect(gitlab.opened).toHaveLength(2)
  })

  test('other commands are refused with what is allowed, and reach no host', async () => {
    const before = gitlab.requests.length
    for (const args of [
      ['variable', 'list'],
      ['release', 'list'],
      ['api', 'user'],
    ]) {
      const ran = await glab(...args)
      expect(ran.code, args.join(' ')).not.toBe(0)
      expect(`${ran.stdout}${ran.stderr}`).toContain('git-gate: ')
    }
    expect(gitlab.requests).toHaveLength(before)
  })

  test('a gate without TLS is asked over http once glab is told so', async () => {
    env = environmentFor(gate.url)
    const set = await glab('config', 'set', 'api_protocol', 'http', '--host', env.GITLAB_HOST ?? '')
    expect(set, set.stderr).toMatchObject({ code: 0 })
    const viewed = await glab('mr', 'view', '1')
    expect(viewed, viewed.stderr).toMatchObject({ code: 0 })
  })

  test('each call is on record, and the credential is in none', async () => {
    const { calls } = HostCallPage.parse(await gate.admin.request('GET', '/host-calls?limit=100'))
    expect(calls.map(({ operation }) => operation)).toEqual(
      expect.arrayContaining(['open a merge request', 'comment on a merge request (1)']),
    )
    expect(JSON.stringify(calls)).not.toContain(gitlab.token)
    expect(gate.log.join('\n')).not.toContain(gitlab.token)
    expect(new Set(gitlab.requests.map(each => each.authorization))).toEqual(
      new Set([`Bearer ${gitlab.token}`]),
    )
  })
})
