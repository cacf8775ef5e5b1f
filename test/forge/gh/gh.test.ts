import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accepted, git } from '../../harness/index.ts'
import type { ProgramRan } from '../client-program.ts'
import { type GhAgent, type GhGate, NAME, startGhGate } from './gh-gate.ts'
import { findGh, runGh } from './program.ts'
import { DIFF } from './stand-in-github.ts'

const program = findGh()

/** GitHub's own client, against the stand-in for GitHub. */
describe.skipIf(program === undefined)('gh (skipped without gh: npm run build:gh)', () => {
  let all: GhGate
  let ada: GhAgent
  let gh: (...args: string[]) => Promise<ProgramRan>
  beforeAll(async () => {
    all = await startGhGate()
    ada = await all.agent('ada', { push: ['ada/**'], pullRequests: ['main'], hostApi: 'write' })
    gh = (...args) => runGh(program ?? '', args, { cwd: ada.work.dir, env: ada.env })
  })
  afterAll(() => all?.[Symbol.asyncDispose]())

  test('an agent with its gate token alone pushes, views its pull request, and adds to the one of another', async () => {
    await ada.work.text(['switch', '-q', '-c', 'ada/login'])
    await ada.work.text(['commit', '-q', '--allow-empty', '-m', 'Fix the login', '-m', 'It was broken.'])
    const pushed = await ada.work.push('-o', 'pr', 'HEAD:ada/login')
    expect(pushed, pushed.output).toMatchObject(accepted)
    const url = /pull request opened: (\S+)/.exec(pushed.output)?.[1]
    expect(url).toBe('https://github.com/acme/repository/pull/1')
    const viewed = await gh('pr', 'view', '1')
    expect(viewed, viewed.stderr).toMatchObject({ code: 0 })
    expect(viewed.stdout).toMatch(
      /title:\s+Fix the login[\s\S]*url:\s+https:\/\/github.com\/acme\/repository\/pull\/1/,
    )

    const other = await all.gate.upstream.commit('other', 'Of another')
    await all.gate.upstream.git(['update-ref', 'refs/pull/7/head', other])
    const fetched = await ada.work.git(['fetch', '-q', 'origin', 'refs/pull/7/head'])
    expect(fetched, fetched.output).toMatchObject(accepted)
    await ada.work.text(['merge', '-q', '-m', 'With the fix of another', 'FETCH_HEAD'])
    const again = await ada.work.push('-o', 'pr', 'HEAD:ada/login')
    expect(again, again.output).toMatchObject(accepted)
    expect(again.output).toContain(`pull request is open: ${url}`)
  })

  test('gh pr list, checks, diff and comment, and gh issue view', async () => {
    const listed = await gh('pr', 'list')
    expect(listed, listed.stderr).toMatchObject({ code: 0 })
    expect(listed.stdout).toContain('Fix the login')
    const checks = await gh('pr', 'checks', '1')
    expect(checks, checks.stderr).toMatchObject({ code: 0 })
    expect(checks.stdout).toMatch(/build\s+pass/)
    expect(await gh('pr', 'diff', '1')).toMatchObject({ code: 0, stdout: DIFF })
    const commented = await gh('pr', 'comment', '1', '--body', 'Looks good')
    expect(commented, commented.stderr).toMatchObject({ code: 0 })
    expect(all.github.comments.at(-1)).toEqual({ subject: 'PR_1', body: 'Looks good' })
    const issue = await gh('issue', 'view', '90')
    expect(issue, issue.stderr).toMatchObject({ code: 0 })
    expect(issue.stdout).toContain('Since Monday.')
    const issues = await gh('issue', 'list')
    expect(issues, issues.stderr).toMatchObject({ code: 0 })
    const comments = await gh('pr', 'view', '1', '--comments')
    expect(comments.stdout).toContain('Looks good')
    const json = await gh(
      'pr',
      'view',
      '1',
      '--json',
      'files,commits,reviews,statusCheckRollup,latestReviews',
    )
    expect(json, json.stderr).toMatchObject({ code: 0 })
  })

  test('gh pr create opens a pull request of a branch that was pushed', async () => {
    await ada.work.text(['switch', '-q', '-c', 'ada/two', 'origin/main'])
    await ada.work.commit('Two')
    expect(await ada.work.push('HEAD:ada/two')).toMatchObject(accepted)
    const made = await gh('pr', 'create', '--head', 'ada/two', '--title', 'Two', '--body', 'As said')
    expect(made, made.stderr).toMatchObject({ code: 0 })
    expect(made.stdout.trim()).toBe('https://github.com/acme/repository/pull/2')
    expect(all.github.pulls.at(-1)).toMatchObject({
      head: 'ada/two',
      base: 'main',
      title: 'Two',
      body: 'As said',
    })
  })

  test('a gate without TLS is asked over the socket in its state folder', async () => {
    const folder = path.join(ada.work.dir, '.git', 'gh-config')
    fs.mkdirSync(folder)
    fs.writeFileSync(path.join(folder, 'config.yml'), `http_unix_socket: ${all.gate.home}/gate.sock\n`)
    const { host } = new URL(all.gate.url)
    const env = { ...ada.env, GH_HOST: `${host}/-/forge/${NAME}`, GH_CONFIG_DIR: folder }
    const viewed = await runGh(program ?? '', ['pr', 'view', '1', '--json', 'title'], {
      cwd: ada.work.dir,
      env,
    })
    expect(viewed, viewed.stderr).toMatchObject({ code: 0 })
    expect(JSON.parse(viewed.stdout)).toEqual({ title: 'Fix the login' })
  })

  test('other commands of gh are refused with what is allowed, and reach no host', async () => {
    const before = all.github.requests.length
    const merged = await gh(
      'api',
      'graphql',
      '-f',
      'query=mutation { mergePullRequest(input: {pullRequestId: "PR_1"}) { clientMutationId } }',
    )
    expect(merged.code).toBe(1)
    expect(merged.stderr).toContain("git-gate: Field 'mergePullRequest' doesn't exist on type 'Mutation'")
    const secrets = await gh('api', 'repos/acme/repository/actions/secrets')
    expect(secrets.stderr).toContain('is not one of')
    expect(secrets.stdout).toContain('gh pr view|list|checks|diff')
    expect((await gh('pr', 'list', '--search', 'x')).code).toBe(1)
    expect((await gh('repo', 'view')).code).toBe(1)
    expect(all.github.requests).toHaveLength(before)
  })

  test('each call is on record, and the credential is nowhere that an agent or an operator reads', async () => {
    const calls = await all.calls()
    expect(calls.map(({ operation }) => operation)).toEqual(
      expect.arrayContaining(['graphql createPullRequest', 'graphql addComment', 'read a pull request (1)']),
    )
    expect(calls.every(({ agent, outcome }) => agent === 'ada' && outcome !== 'open')).toBe(true)
    expect(JSON.stringify(calls)).not.toContain(all.github.token)
    expect(all.gate.log.join('\n')).not.toContain(all.github.token)
    expect(all.github.requests.map(({ headers }) => JSON.stringify(headers)).join()).not.toContain(
      ada.agent.token,
    )
    const log = await git(['config', '--list'], { cwd: ada.work.dir })
    expect(log.output).not.toContain(all.github.token)
  })
})
