import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { githubToken, privateKey, prose } from '../fixtures/fakes.ts'
import { type Case, onMain, type Work } from './case.ts'
import { line } from './content.ts'

/** Creates a branch `side` with one more commit. */
export async function sideBranch(work: Work, path: string, content: string) {
  await work.git('checkout', '--quiet', '-b', 'side')
  await work.write(path, content)
  await work.commit('Side')
  await work.git('checkout', '--quiet', 'main')
}

/** Places in a history where a secret can be. */
export const caughtHistory: readonly Case[] = [
  {
    name: 'added, and removed by the next commit',
    async make(work) {
      const secret = githubToken()
      await work.write('app.ts', line(secret))
      await work.commit()
      await work.write('app.ts', 'const token = process.env.TOKEN\n')
      await work.commit()
      return onMain(secret)
    },
  },
  {
    name: 'in the middle of ten commits',
    async make(work) {
      const secret = githubToken()
      for (let i = 0; i < 10; i++) {
        await work.write('app.ts', i === 4 ? line(secret) : `const i = ${i}\n`)
        await work.commit(`Step ${i}`)
      }
      return onMain(secret)
    },
  },
  {
    name: 'only in the result of a merge commit',
    async make(work) {
      const secret = githubToken()
      await sideBranch(work, 'side.ts', 'side\n')
      await work.write('main.ts', 'main\n')
      await work.commit()
      await work.git('merge', '--quiet', '--no-commit', 'side')
      await work.write('main.ts', line(secret))
      await work.commit('Merge')
      return onMain(secret)
    },
  },
  {
    name: 'in a file that only the merge commit has',
    async make(work) {
      const secret = githubToken()
      await sideBranch(work, 'side.ts', 'side\n')
      await work.write('main.ts', 'main\n')
      await work.commit()
      await work.git('merge', '--quiet', '--no-commit', 'side')
      await work.write('extra.ts', line(secret))
      await work.commit('Merge')
      return onMain(secret)
    },
  },
  {
    name: 'added and removed on a branch that is merged',
    async make(work) {
      const secret = githubToken()
      await work.git('checkout', '--quiet', '-b', 'side')
      await work.write('side.ts', line(secret))
      await work.commit('Add')
      await work.write('side.ts', 'clean\n')
      await work.commit('Remove')
      await work.git('checkout', '--quiet', 'main')
      await work.git('merge', '--quiet', '--no-ff', '--message', 'Merge side', 'side')
      return onMain(secret)
    },
  },
  {
    name: 'on a branch whose changes the merge drops',
    async make(work) {
      const secret = githubToken()
      await sideBranch(work, 'side.ts', line(secret))
      await work.git('merge', '--quiet', '--strategy', 'ours', '--message', 'Merge side', 'side')
      return onMain(secret)
    },
  },
  {
    name: 'on the third parent of an octopus',
    async make(work) {
      const secret = githubToken()
      await work.git('branch', 'one')
      await sideBranch(work, 'side.ts', line(secret))
      await work.git('checkout', '--quiet', 'one')
      await work.write('one.ts', 'one\n')
      await work.commit('One')
      await work.git('checkout', '--quiet', 'main')
      await work.git('merge', '--quiet', '--no-ff', '--message', 'Octopus', 'one', 'side')
      return onMain(secret)
    },
  },
  {
    name: 'in a branch without a common ancestor',
    async make(work) {
      const secret = githubToken()
      await work.git('checkout', '--quiet', '--orphan', 'fresh')
      await work.write('app.ts', line(secret))
      await work.commit('Root')
      return { refspecs: ['HEAD:refs/heads/fresh'], secrets: [secret] }
    },
  },
  {
    name: 'on the second of two branches',
    async make(work) {
      const secret = githubToken()
      await sideBranch(work, 'side.ts', line(secret))
      await work.write('main.ts', 'main\n')
      await work.commit()
      return { refspecs: ['main', 'side'], secrets: [secret] }
    },
  },
  {
    name: 'under a renamed file, in an added line',
    async make(work) {
      const secret = githubToken()
      await work.write('old.ts', prose(3000))
      await work.commit()
      await work.publish('main')
      await work.git('mv', 'old.ts', 'new.ts')
      await work.write('new.ts', `${prose(3000)}${line(secret)}`)
      await work.commit('Move')
      return onMain(secret)
    },
  },
  {
    name: 'a second secret beside one that upstream has',
    async make(work) {
      const [old, fresh] = [githubToken(), githubToken()]
      await work.write('app.ts', line(old))
      await work.commit()
      await work.publish('main')
      await work.write('app.ts', `${line(old)}${line(fresh)}`)
      await work.commit()
      return onMain(fresh)
    },
  },
  {
    name: 'a secret that upstream had and removed, and that comes back',
    async make(work) {
      const secret = githubToken()
      await work.write('app.ts', line(secret))
      await work.commit()
      await work.write('app.ts', 'clean\n')
      await work.commit()
      await work.publish('main')
      await work.write('app.ts', line(secret))
      await work.commit()
      return onMain(secret)
    },
  },
  {
    name: 'a secret that upstream removed, beside a branch that changes the file as it was before',
    async make(work) {
      const secret = githubToken()
      await work.write('app.ts', line(secret))
      const old = await work.commit()
      await work.write('app.ts', 'clean\n')
      await work.commit()
      await work.publish('main')
      await work.git('checkout', '--quiet', '-b', 'side', old)
      await work.write('app.ts', `${line(secret)}more\n`)
      await work.commit('Touch')
      await work.git('checkout', '--quiet', 'main')
      await work.write('deploy.sh', `deploy with ${secret}\n`)
      await work.commit('Deploy')
      return { refspecs: ['side', 'main'], secrets: [secret] }
    },
  },
  {
    name: 'a secret that upstream removed, in the same file, beside a branch from before',
    async make(work) {
      const secret = githubToken()
      await work.write('app.ts', line(secret))
      const old = await work.commit()
      await work.write('app.ts', 'clean\n')
      await work.commit()
      await work.publish('main')
      await work.git('checkout', '--quiet', '-b', 'side', old)
      await work.commit('Nothing')
      await work.git('checkout', '--quiet', 'main')
      await work.write('app.ts', line(secret))
      await work.commit('Revert')
      return { refspecs: ['side', 'main'], secrets: [secret] }
    },
  },
  {
    name: 'in a message, of a commit that touches the file in which upstream has it',
    async make(work) {
      const secret = githubToken()
      await work.write('app.ts', line(secret))
      await work.commit()
      await work.publish('main')
      await work.write('app.ts', `${line(secret)}more\n`)
      await work.commit(`Use ${secret}`)
      return onMain(secret)
    },
  },
  {
    name: 'a secret that was purged from upstream, from an old clone',
    async make(work) {
      const secret = githubToken()
      await work.git('checkout', '--quiet', '-b', 'old')
      await work.write('app.ts', line(secret))
      await work.commit()
      await work.publish('old')
      await work.publish(':refs/heads/old')
      return { refspecs: ['old'], secrets: [secret] }
    },
  },
  {
    name: 'hidden by a replace ref to another file',
    async make(work) {
      const secret = githubToken()
      await work.write('app.ts', line(secret))
      await work.commit()
      const bad = await work.git('rev-parse', 'HEAD:app.ts')
      await work.git('replace', '-f', bad, await work.git('rev-parse', 'HEAD:README.md'))
      return onMain(secret)
    },
  },
  {
    name: 'in a file of an octopus that the octopus itself changes',
    async make(work) {
      const secret = githubToken()
      await work.git('branch', 'one')
      await sideBranch(work, 'side.ts', 'side\n')
      await work.git('checkout', '--quiet', 'one')
      await work.write('one.ts', 'one\n')
      await work.commit('One')
      await work.git('checkout', '--quiet', 'main')
      await work.git('merge', '--quiet', '--no-ff', '--message', 'Octopus', 'one', 'side')
      await work.write('one.ts', line(secret))
      await work.git('commit', '--quiet', '--all', '--amend', '--message', 'Octopus')
      return onMain(secret)
    },
  },
  {
    name: 'in a file that is then replaced by a folder',
    async make(work) {
      const key = privateKey()
      await work.write('thing', key)
      await work.commit()
      await rm(join(work.dir, 'thing'))
      await work.write('thing/inside', 'clean\n')
      await work.commit()
      return onMain(key)
    },
  },
  {
    name: 'in a commit without changes to files, on top of one with',
    async make(work) {
      const secret = githubToken()
      await work.write('app.ts', line(secret))
      await work.commit()
      await work.commit('Empty')
      return onMain(secret)
    },
  },
  {
    name: 'by a force push over upstream',
    async make(work) {
      const secret = githubToken()
      await work.write('a', 'a\n')
      await work.commit()
      await work.publish('main')
      await work.git('reset', '--quiet', '--hard', 'HEAD^')
      await work.write('app.ts', line(secret))
      await work.commit()
      return { refspecs: ['+HEAD:refs/heads/main'], secrets: [secret] }
    },
  },
]
