import path from 'node:path'
import { expect, test } from 'vitest'
import { FetchPage } from '../../src/contract/admin-api/records.ts'
import { git, seconds, startGate, until } from '../harness/index.ts'

test('a fetch over HTTP and a fetch over git:// are both recorded', async () => {
  await using gate = await startGate({
    settings: { GATE_GIT_LISTEN: '127.0.0.1:0', GATE_GIT_AGENT: 'ada' },
  })
  const ada = await gate.agent('ada', { read: true })
  await ada.clone()
  expect(await git(['clone', '-q', gate.gitUrl(), path.join(gate.home, 'clone')])).toMatchObject({ code: 0 })
  // Neither clone waits for its row.
  const fetches = await until(
    async () => {
      const page = FetchPage.parse(await gate.admin.request('GET', '/fetches'))
      return page.fetches.length < 2 ? undefined : page.fetches
    },
    seconds(30),
    () => 'a fetch is not on record',
  )
  expect(fetches).toMatchObject([
    { agent: 'ada', repository: 'app', tokenId: 'git://', clientAddress: '127.0.0.1' },
    { agent: 'ada', repository: 'app', tokenId: ada.tokenId },
  ])
})
