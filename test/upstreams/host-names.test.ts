import { expect, test } from 'vitest'
import { ConnectionCheck } from '../../src/contract/admin-api/status.ts'
import { startUpstream } from '../harness/hosts/upstream.ts'
import { accepted, git, sharedGate } from '../harness/index.ts'

test('repositories are served under the names that hosts have', async () => {
  await using gate = await sharedGate()
  const upstream = await gate.repository('github.com/acme/.github')
  for (const name of ['~user/c++', Array(20).fill('g').join('/')]) await gate.repository(name, { upstream })
  const ada = await gate.agent('ada', { push: ['ada/**'] }, { repository: 'github.com/acme/.github' })
  const work = await ada.clone()
  await work.commit('From .github')
  expect(await work.push('HEAD:ada/one')).toMatchObject(accepted)
  for (const name of ['~user/c++', Array(20).fill('g').join('/')]) {
    await gate.admin.grant('ada', name, { rules: [] })
    expect(await git(['ls-remote', ada.url(name)])).toMatchObject(accepted)
  }
  expect(await git(['ls-remote', ada.url('%7Euser/c%2b%2B')])).toMatchObject(accepted)
})

test('an upstream path with every odd character is reached over sshd and git-shell', async () => {
  const folder = `we ird 100%41/it's "q" !$HOME;&|(x)#? ünï 日本.git`
  await using odd = await startUpstream({ folder })
  await using gate = await sharedGate()
  await gate.repository('odd', { upstream: odd })
  const ada = await gate.agent('ada', { push: ['ada/**'] }, { repository: 'odd' })
  const work = await ada.clone()
  const tip = await work.commit('Through odd characters')
  expect(await work.push('HEAD:ada/odd')).toMatchObject(accepted)
  expect(await odd.ref('refs/heads/ada/odd')).toBe(tip)
  const checked = ConnectionCheck.parse(await gate.admin.request('POST', '/repositories/odd/check'))
  expect(checked.steps.filter(({ ok }) => !ok)).toEqual([])
})
