import { expect, test } from 'vitest'
import { accepted, faultyLink, megabytes, seconds, sharedGate, startGate } from './index.ts'

test('a commit pushed through the gate reaches upstream, and the gate is idle again', async () => {
  await using gate = await startGate()
  const ada = await gate.agent('ada', { push: ['refs/heads/ada/**'] })
  const work = await ada.clone()
  const commit = await work.commit('Say hello', { 'hello.txt': 'hello\n' })
  expect(await work.push('HEAD:refs/heads/ada/hello')).toMatchObject(accepted)
  expect(await gate.upstream.ref('refs/heads/ada/hello')).toBe(commit)
  expect(await gate.ledger.last()).toMatchObject({ outcome: 'accepted', agent: 'ada', repository: 'app' })
  await gate.idle({ within: seconds(30) })
})

test('a faulty link carries, stalls and resumes', async () => {
  await using gate = await startGate()
  await using link = await faultyLink(gate.port)
  const ada = await gate.agent('ada', { push: ['refs/heads/ada/**'] }, { through: link.url })
  const work = await ada.clone()
  await work.commit('Something big', { big: megabytes(8) })
  const push = work.push('HEAD:refs/heads/ada/big')
  await link.carried(2 << 20)
  link.stall()
  await gate.ledger.until(({ outcome }) => outcome === 'open')
  link.resume()
  expect(await push).toMatchObject(accepted)
  await gate.idle({ within: seconds(30) })
})

test('a shared gate is as new for each test, and ends with none of them', async () => {
  const urls: string[] = []
  for (const content of ['one\n', 'two\n']) {
    await using gate = await sharedGate()
    expect(await gate.ledger.pushes()).toEqual([])
    expect(await gate.admin.agents()).toEqual([])
    const ada = await gate.agent('ada', { push: ['refs/heads/ada/**'] })
    expect(await ada.push('refs/heads/ada/hello', content)).toMatchObject(accepted)
    expect(await gate.upstream.git(['show', 'ada/hello:content'])).toBe(content.trim())
    urls.push(gate.url)
  }
  expect(new Set(urls).size).toBe(1)
  await using other = await sharedGate()
  await using another = await sharedGate()
  expect(another.url).not.toBe(other.url)
})
