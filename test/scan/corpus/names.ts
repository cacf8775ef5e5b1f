import { execFileSync } from 'node:child_process'
import { anyKey, awsKeyId, githubToken } from '../fixtures/fakes.ts'
import { type Case, onMain, type Work } from './case.ts'
import { line } from './content.ts'

/** The id of git's empty tree. */
const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'

/** Returns a tree of the work tree's files with an empty folder, which no git command creates. */
async function treeWithFolder(work: Work, name: string): Promise<string> {
  await work.git('hash-object', '-t', 'tree', '-w', '/dev/null')
  const listed = await work.git('ls-tree', 'HEAD')
  await work.write(
    '../tree',
    [...listed.split('\n'), `040000 tree ${EMPTY_TREE}\t${name}`].sort(byPath).join('\n'),
  )
  return execFileSync('sh', ['-c', 'git mktree < ../tree'], { cwd: work.dir, encoding: 'utf8' }).trim()
}
const byPath = (one: string, other: string) =>
  (one.split('\t')[1] ?? '') < (other.split('\t')[1] ?? '') ? -1 : 1

/** Names in which a secret can be. */
export const caughtNames: readonly Case[] = [
  {
    name: 'in the name of a tag',
    async make(work) {
      const secret = githubToken()
      await work.git('tag', `v-${secret}`)
      return { refspecs: [`refs/tags/v-${secret}`], secrets: [secret] }
    },
  },
  {
    name: 'in the name of a branch',
    async make() {
      const secret = awsKeyId()
      return { refspecs: [`HEAD:refs/heads/fix/${secret}`], secrets: [secret] }
    },
  },
  {
    name: 'in the name of a file',
    async make(work) {
      const secret = githubToken()
      await work.write(`keys/${secret}.txt`, 'nothing\n')
      await work.commit()
      return onMain(secret)
    },
  },
  {
    name: 'in the name of a folder',
    async make(work) {
      const secret = awsKeyId()
      await work.write(`keys/${secret}/a.txt`, 'nothing\n')
      await work.commit()
      return onMain(secret)
    },
  },
  {
    name: 'in the name of an empty folder',
    async make(work) {
      const secret = githubToken()
      const tree = await treeWithFolder(work, secret)
      const commit = await work.git('commit-tree', tree, '-p', 'HEAD', '-m', 'Folder')
      return { refspecs: [`${commit}:refs/heads/folder`], secrets: [secret] }
    },
  },
  {
    name: 'in the name of an empty folder that only a merge has',
    async make(work) {
      const secret = githubToken()
      const tree = await treeWithFolder(work, secret)
      const other = await work.git('commit-tree', 'HEAD^{tree}', '-p', 'HEAD', '-m', 'Other')
      const merge = await work.git('commit-tree', tree, '-p', 'HEAD', '-p', other, '-m', 'Merge')
      return { refspecs: [`${merge}:refs/heads/folder`], secrets: [secret] }
    },
  },
  {
    name: 'in the name of an empty folder in a tag on a tree',
    async make(work) {
      const secret = githubToken()
      return { refspecs: [`${await treeWithFolder(work, secret)}:refs/tags/folder`], secrets: [secret] }
    },
  },
  {
    name: 'in the name of a submodule',
    async make(work) {
      const secret = githubToken()
      const head = await work.git('rev-parse', 'HEAD')
      await work.git('update-index', '--add', '--cacheinfo', `160000,${head},${secret}`)
      await work.git('commit', '--quiet', '--message', 'Submodule')
      return onMain(secret)
    },
  },
  {
    name: 'in the new name of a file that upstream has',
    async make(work) {
      const secret = githubToken()
      await work.git('mv', 'README.md', `${secret}.md`)
      await work.commit('Move')
      return onMain(secret)
    },
  },
  {
    name: 'in a file, after two commits that rename a file of upstream to the secret and back',
    async make(work) {
      const secret = githubToken()
      await work.git('mv', 'README.md', `${secret}.md`)
      await work.commit('Move')
      await work.git('mv', `${secret}.md`, `${secret}.txt`)
      await work.commit('Move again')
      await work.write('deploy.sh', `deploy with ${secret}\n`)
      await work.commit('Deploy')
      return onMain(secret)
    },
  },
  {
    name: 'in a file, beside a file of upstream that has it for a name and is moved',
    async make(work) {
      const secret = githubToken()
      await work.write(`${secret}.md`, 'nothing\n')
      await work.commit()
      await work.publish('main')
      await work.git('mv', `${secret}.md`, `${secret}.txt`)
      await work.write('deploy.sh', `deploy with ${secret}\n`)
      await work.commit('Deploy')
      return onMain(secret)
    },
  },
  {
    name: 'across two segments of a path',
    async make(work) {
      const secret = `${anyKey().slice(0, 12)}/${anyKey().slice(0, 17)}`
      await work.write(`conf/api_key=${secret}`, 'nothing\n')
      await work.commit()
      return onMain(secret)
    },
  },
  {
    name: 'in the name of a branch, as base64',
    async make() {
      const secret = githubToken()
      return {
        refspecs: [`HEAD:refs/heads/x-${Buffer.from(secret).toString('base64url')}`],
        secrets: [secret],
      }
    },
  },
  {
    name: 'in the name of a file and in the file',
    async make(work) {
      const secret = githubToken()
      await work.write(
        `keys/${secret}.txt`,
        `${secret} ${Buffer.from(secret).toString('base64')} ${secret}\n`,
      )
      await work.commit()
      return onMain(secret)
    },
  },
  {
    name: 'in the name of a file, as base64',
    async make(work) {
      const secret = githubToken()
      await work.write(`keys/${Buffer.from(secret).toString('base64url')}`, line(secret))
      await work.commit()
      return onMain(secret)
    },
  },
]
