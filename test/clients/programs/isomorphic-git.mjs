// isomorphic-git takes its steps against the gate.
import fs from 'node:fs'
import path from 'node:path'
import git from 'isomorphic-git'
import http from 'isomorphic-git/http/node'

const [folder, url, unknown, wrong, own] = process.argv.slice(2)
const author = { name: 'Ada', email: 'ada@example.com' }
const one = path.join(folder, 'one')
const two = path.join(folder, 'two')

async function report(step, act) {
  let words = ''
  try {
    await act()
  } catch (error) {
    words = [error.message, JSON.stringify(error.data ?? '')].join(' ')
  }
  console.log(JSON.stringify({ step, ok: words === '', words }))
}

const push = (ref, remoteRef, more = {}) => git.push({ fs, http, dir: one, ref, remoteRef, ...more })
const commit = async name => {
  fs.writeFileSync(path.join(one, name), name)
  await git.add({ fs, dir: one, filepath: name })
  await git.commit({ fs, dir: one, message: name, author })
}

await report('clone', async () => {
  for (const dir of [one, two]) await git.clone({ fs, http, dir, url })
})
await report('push', async () => {
  await commit('one.txt')
  await push('main', `refs/heads/${own}/one`)
  // The library sends a command for a ref that is up to date.
  await push('main', `refs/heads/${own}/one`)
})
await report('fetch', () => git.fetch({ fs, http, dir: two }))
await report('tag', async () => {
  await git.annotatedTag({ fs, dir: one, ref: `${own}-v1`, message: 'A tag', tagger: author })
  await push(`${own}-v1`, `refs/tags/${own}-v1`)
})
await report('delete', () => push('main', `refs/heads/${own}/one`, { delete: true }))
await report('refused', () => push('main', 'refs/heads/main'))
await report('unknown', () => git.listServerRefs({ http, url: unknown }))
await report('wrong token', () => git.listServerRefs({ http, url: wrong }))
