// simple-git takes its steps against the gate.
import fs from 'node:fs'
import path from 'node:path'
import { simpleGit } from 'simple-git'

const [folder, url, unknown, wrong, own] = process.argv.slice(2)
const one = path.join(folder, 'one')
const two = path.join(folder, 'two')

async function report(step, act) {
  let words = ''
  try {
    await act()
  } catch (error) {
    words = error.message
  }
  console.log(JSON.stringify({ step, ok: words === '', words }))
}

const push = (...refs) => simpleGit(one).push('origin', ...refs)

await report('clone', async () => {
  for (const dir of [one, two]) await simpleGit().clone(url, dir)
  await simpleGit(one).addConfig('user.name', 'Ada').addConfig('user.email', 'ada@example.com')
})
await report('push', async () => {
  fs.writeFileSync(path.join(one, 'one.txt'), 'one')
  await simpleGit(one).add('one.txt').commit('one.txt')
  await push(`HEAD:refs/heads/${own}/one`)
})
await report('fetch', () => simpleGit(two).fetch())
await report('tag', async () => {
  await simpleGit(one).addAnnotatedTag(`${own}-v1`, 'A tag')
  await push(`refs/tags/${own}-v1`)
})
await report('delete', () => push(`:refs/heads/${own}/one`))
await report('refused', () => push('HEAD:refs/heads/main'))
await report('unknown', () => simpleGit().listRemote([unknown]))
await report('wrong token', () => simpleGit().listRemote([wrong]))
