import { awsKeyId, githubToken, prose } from '../fixtures/fakes.ts'
import { type Case, type Made, onMain, type Work } from './case.ts'
import { line } from './content.ts'
import { sideBranch } from './history.ts'

/** Writes an object with this content and pushes it under a matching name. */
async function made(work: Work, type: 'commit' | 'tag', content: string, secret: string): Promise<Made> {
  await work.write('../object', content)
  const id = await work.git('hash-object', '-t', type, '-w', '--literally', '../object')
  return { refspecs: [`${id}:refs/${type === 'tag' ? 'tags' : 'heads'}/made`], secrets: [secret] }
}

/** Parts of commits and tags in which a secret can be. */
export const caughtWords: readonly Case[] = [
  {
    name: 'removed by a commit that is dated before the commit with it',
    async make(work) {
      const secret = githubToken()
      await work.write('app.ts', line(secret))
      const added = await work.commit('Add')
      await work.write('app.ts', 'clean\n')
      await work.git('add', '--all')
      const tree = await work.git('write-tree')
      const made = async (date: string, ...parents: string[]) => {
        const of = parents.flatMap(parent => ['-p', parent])
        const id = await work.git('commit-tree', tree, ...of, '-m', 'Remove')
        const dated = (await work.git('cat-file', 'commit', id)).replace(
          /^(committer .*>) .*$/m,
          `$1 ${date} +0000`,
        )
        await work.write('../commit', `${dated}\n`)
        return work.git('hash-object', '-t', 'commit', '-w', '../commit')
      }
      const removed = await made('1000000000', added)
      const merged = await made('2000000000', removed, added)
      return { refspecs: [`${merged}:refs/heads/clocks`], secrets: [secret] }
    },
  },
  {
    name: 'in a commit message',
    async make(work) {
      const secret = githubToken()
      await work.commit(`Use the token\n\nIt is ${secret}.`)
      return onMain(secret)
    },
  },
  {
    name: 'in an older commit message',
    async make(work) {
      const secret = awsKeyId()
      await work.commit(`Use ${secret}`)
      await work.write('a', 'a\n')
      await work.commit('Clean')
      return onMain(secret)
    },
  },
  {
    name: 'in the message of a merge',
    async make(work) {
      const secret = githubToken()
      await sideBranch(work, 'side.ts', 'side\n')
      await work.git('merge', '--quiet', '--no-ff', '--message', `Merge ${secret}`, 'side')
      return onMain(secret)
    },
  },
  {
    name: 'in a message, as base64',
    async make(work) {
      const secret = githubToken()
      await work.commit(`Data\n\n${Buffer.from(`token=${secret};`).toString('base64')}`)
      return onMain(secret)
    },
  },
  {
    name: "in the author's name",
    async make(work) {
      const secret = githubToken()
      await work.write('a', 'a\n')
      await work.git('add', '--all')
      await work.git('commit', '--quiet', '--author', `${secret} <ada@example.com>`, '--message', 'Work')
      return onMain(secret)
    },
  },
  {
    name: "in the committer's address",
    async make(work) {
      const secret = githubToken()
      await work.write('a', 'a\n')
      await work.git('add', '--all')
      await work.git('-c', `user.email=${secret}@example.com`, 'commit', '--quiet', '--message', 'Work')
      return onMain(secret)
    },
  },
  ...[
    ['in a header of its own in a commit', (secret: string) => `note ${secret}`],
    ['in a header that looks like a parent', (secret: string) => `parent ${secret}`],
    ['in the name of an encoding', (secret: string) => `encoding ${secret}`],
    [
      'in a signature, as base64',
      (secret: string) => `gpgsig ${Buffer.from(`${prose(90)}${secret}\n`).toString('base64')}`,
    ],
    [
      'in the tag that a merge keeps',
      (secret: string) => `mergetag object ${'0'.repeat(40)}\n type commit\n tag v1\n \n Release ${secret}`,
    ],
  ].map(([name, header]) => ({
    name: name as string,
    async make(work: Work) {
      const secret = githubToken()
      const commit = await work.git('cat-file', 'commit', 'HEAD')
      const more = (header as (secret: string) => string)(secret)
      return made(work, 'commit', `${commit}\n`.replace('\n\n', `\n${more}\n\n`), secret)
    },
  })),
  {
    name: 'after a NUL in the message of a tag',
    async make(work) {
      const secret = githubToken()
      const head = await work.git('rev-parse', 'HEAD')
      const tag = `object ${head}\ntype commit\ntag v1\ntagger Ada <ada@example.com> 1 +0000\n\nx\0${secret}\n`
      return made(work, 'tag', tag, secret)
    },
  },
  {
    name: "in the tagger's name",
    async make(work) {
      const secret = githubToken()
      const head = await work.git('rev-parse', 'HEAD')
      const tag = `object ${head}\ntype commit\ntag v1\ntagger ${secret} <ada@example.com> 1 +0000\n\nx\n`
      return made(work, 'tag', tag, secret)
    },
  },
  {
    name: 'in the message of a tag',
    async make(work) {
      const secret = githubToken()
      await work.git('tag', '--annotate', 'v1', '--message', `Release with ${secret}`)
      return { refspecs: ['refs/tags/v1'], secrets: [secret] }
    },
  },
  {
    name: 'in the inner one of two tags',
    async make(work) {
      const secret = githubToken()
      await work.git('tag', '--annotate', 'inner', '--message', `Release with ${secret}`)
      await work.git('tag', '--annotate', 'outer', '--message', 'Release', 'inner')
      return { refspecs: ['refs/tags/outer'], secrets: [secret] }
    },
  },
  {
    name: 'in a commit that only a tag reaches',
    async make(work) {
      const secret = githubToken()
      await work.git('checkout', '--quiet', '--detach')
      await work.write('app.ts', line(secret))
      await work.commit()
      await work.git('tag', 'light')
      return { refspecs: ['refs/tags/light'], secrets: [secret] }
    },
  },
  {
    name: 'in a commit under an annotated tag',
    async make(work) {
      const secret = githubToken()
      await work.git('checkout', '--quiet', '--detach')
      await work.write('app.ts', line(secret))
      await work.commit()
      await work.git('tag', '--annotate', 'v2', '--message', 'Two')
      return { refspecs: ['refs/tags/v2'], secrets: [secret] }
    },
  },
  {
    name: 'in a tag on a file',
    async make(work) {
      const secret = githubToken()
      await work.write('../loose', line(secret))
      await work.git('tag', 'file', await work.git('hash-object', '-w', '../loose'))
      return { refspecs: ['refs/tags/file'], secrets: [secret] }
    },
  },
  {
    name: 'in a tag on a tree',
    async make(work) {
      const secret = githubToken()
      await work.write('deep/er/app.ts', line(secret))
      await work.git('add', '--all')
      await work.git('tag', 'tree', await work.git('write-tree'))
      return { refspecs: ['refs/tags/tree'], secrets: [secret] }
    },
  },
  {
    name: 'in an annotated tag on a tree',
    async make(work) {
      const secret = githubToken()
      await work.write('deep/er/app.ts', line(secret))
      await work.git('add', '--all')
      await work.git('tag', '--annotate', 'tree', '--message', 'Tree', await work.git('write-tree'))
      return { refspecs: ['refs/tags/tree'], secrets: [secret] }
    },
  },
  {
    name: 'on one of three hundred branches',
    async make(work) {
      const secret = githubToken()
      await sideBranch(work, 'side.ts', line(secret))
      const others = Array.from({ length: 300 }, (_, i) => `main:refs/heads/other-${i}`)
      return { refspecs: ['side', ...others], secrets: [secret] }
    },
  },
]
