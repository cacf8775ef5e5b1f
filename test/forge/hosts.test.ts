import { afterEach, describe, expect, test } from 'vitest'
import { openPullRequest } from '../../container/forge/open-pull-request.ts'
import { ForgeKind } from '../../src/contract/hosts/forge.ts'
import { upstreamOf } from '../harness/hosts/upstream-of.ts'
import { type StandInHost, startStandInHost } from './stand-in-host.ts'

const wanted = { branch: 'ada/x', base: 'main', title: 'Fix it', body: 'As said', isDraft: false }
const upstreamAt = (kind: ForgeKind, apiUrl: string) =>
  upstreamOf({
    url: 'git@git.example.com:acme/app.git',
    credential: { name: 'bot', user: 'bot', app: null },
    forge: kind,
    apiUrl,
  })

let host: StandInHost
afterEach(() => host[Symbol.asyncDispose]())

async function openAt(kind: ForgeKind, changes: Partial<typeof wanted> = {}) {
  const credentials = {
    tokenFor: async () => ({ user: 'bot', token: host.token }),
    refused: () => {},
  }
  return openPullRequest(
    upstreamAt(kind, host.api),
    { ...wanted, ...changes },
    credentials,
    AbortSignal.timeout(20_000),
  )
}

describe.each(ForgeKind.options)('%s', kind => {
  test('a pull request is opened once, and found by the next push of its branch', async () => {
    host = await startStandInHost(kind)
    const opened = await openAt(kind)
    expect(opened).toMatchObject({ number: 1, isNew: true })
    expect(host.pulls).toMatchObject([{ ...wanted, number: 1 }])
    expect(await openAt(kind)).toEqual({ ...opened, isNew: false })
    expect(await openAt(kind, { branch: 'ada/y', isDraft: true })).toMatchObject({ number: 2, isNew: true })
    expect(host.pulls[1]).toMatchObject({ title: 'Fix it', isDraft: true })
  })

  test('a pull request that another push opens meanwhile is found', async () => {
    host = await startStandInHost(kind)
    const first = openAt(kind)
    const second = openAt(kind)
    expect([await first, await second].map(({ number }) => number)).toEqual([1, 1])
  })

  test('what the host refuses is told with its words, and who can change it', async () => {
    host = await startStandInHost(kind)
    const message = 'Resource not accessible'
    host.answerNext({ status: 401, body: { message: 'Bad credentials' } })
    await expect(openAt(kind)).rejects.toThrow(
      /does not accept the credential bot .*Bad credentials.*git gate credential set bot/,
    )
    host.answerNext({ status: 403, headers: { 'retry-after': '17' }, body: { message } })
    await expect(openAt(kind)).rejects.toThrow(/limits requests .*try again in 17 s/)
    host.answerNext({ status: 429, body: { message: 'Too many' } })
    await expect(openAt(kind)).rejects.toThrow(/limits requests .*try again in 60 s/)
    for (const status of [403, 404]) {
      host.answerNextPost({ status, body: { message } })
      await expect(openAt(kind)).rejects.toThrow(
        new RegExp(
          `does not let the credential bot open pull requests in acme/app .status ${status}: ${message}`,
        ),
      )
    }
    host.answerNextPost({
      status: 422,
      body: { message: 'Validation Failed', errors: [{ message: 'No commits between main and ada/x' }] },
    })
    await expect(openAt(kind)).rejects.toThrow(/Validation Failed; No commits between main and ada\/x/)
    expect(host.pulls).toEqual([])
  })

  test('a redirect is not followed, and no error has the token', async () => {
    host = await startStandInHost(kind)
    await using other = await startStandInHost(kind)
    host.answerNext({ status: 302, headers: { location: other.api } })
    await expect(openAt(kind)).rejects.toThrow(/status 302/)
    expect(other.requests).toEqual([])
    for (const status of [401, 500]) {
      host.answerNext({ status, body: { message: `no such token: ${host.token}` } })
      const error: unknown = await openAt(kind).catch(error => error)
      expect(String(error)).toMatch(new RegExp(`status ${status}: no such token`))
      expect(String(error)).not.toContain(host.token)
    }
  })
})
