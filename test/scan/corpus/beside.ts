import { chmod, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { wideText, zip } from '../fixtures/archives.ts'
import { githubToken, privateKey, prose } from '../fixtures/fakes.ts'
import { type Case, onMain, type Work } from './case.ts'

/** A repository whose upstream already holds secrets, and a push that changes something beside them. */
function beside(
  name: string,
  change: (work: Work, olds: readonly string[]) => Promise<readonly string[] | undefined>,
): Case {
  return {
    name,
    async make(work) {
      const olds = [githubToken(), githubToken(), privateKey()]
      await work.write('src/config.ts', `${prose(2000)}const token = "${olds[0]}"\n${prose(2000)}`)
      await work.write('deploy/.env', `TOKEN=${olds[1]}\nA=1\n`)
      await work.write('deploy/key.pem', olds[2] ?? '')
      await work.write('fixtures/old.zip', zip({ 'a.txt': `token ${olds[0]}\n` }))
      await work.write('fixtures/old.reg', wideText(`token ${olds[0]}\n`, { mark: true }))
      await work.commit('Old secrets')
      await work.publish('main')
      const refspecs = await change(work, olds)
      return refspecs ? { refspecs, secrets: [] } : onMain()
    },
  }
}

const append = async (work: Work, path: string, text: string) => {
  const before = await work.git('show', `HEAD:${path}`)
  await work.write(path, `${before}\n${text}`)
}

/** Pushes without a new secret, beside secrets that upstream has. */
export const besideCases: readonly Case[] = [
  beside('a file of upstream with a secret is touched elsewhere', async work =>
    append(work, 'src/config.ts', 'export default token\n')
      .then(() => work.commit())
      .then(() => undefined),
  ),
  beside('its lines move', async work => {
    const before = await work.git('show', 'HEAD:src/config.ts')
    await work.write('src/config.ts', `${prose(500)}${before}\n`)
    await work.commit()
    return undefined
  }),
  beside('a file with a secret is renamed', async work => {
    await work.git('mv', 'deploy/.env', 'deploy/production.env')
    await work.commit()
    return undefined
  }),
  beside('a folder with secrets is renamed', async work => {
    await work.git('mv', 'deploy', 'infra')
    await work.commit()
    return undefined
  }),
  beside('a file with a secret is renamed and changed at once', async work => {
    const before = await work.git('show', 'HEAD:src/config.ts')
    await work.git('rm', '--quiet', 'src/config.ts')
    await work.write('lib/settings.ts', `// moved\n${before}\n`)
    await work.commit()
    return undefined
  }),
  beside('it is renamed, and changed by the next commit, and the next', async work => {
    await work.git('mv', 'src/config.ts', 'src/settings.ts')
    await work.commit()
    await append(work, 'src/settings.ts', 'one\n')
    await work.commit()
    await append(work, 'src/settings.ts', 'two\n')
    await work.commit()
    return undefined
  }),
  beside('a file with a secret is copied', async work => {
    await work.write('copy.env', `${await work.git('show', 'HEAD:deploy/.env')}\n`)
    await work.commit()
    return undefined
  }),
  beside('its mode changes', async work => {
    await chmod(join(work.dir, 'deploy/.env'), 0o755)
    await work.commit()
    return undefined
  }),
  beside('its line endings change', async work => {
    await work.write(
      'deploy/.env',
      `${await work.git('show', 'HEAD:deploy/.env')}\n`.replaceAll('\n', '\r\n'),
    )
    await work.commit()
    return undefined
  }),
  beside('it is deleted, and the deletion is reverted', async work => {
    await rm(join(work.dir, 'deploy'), { recursive: true })
    await work.commit('Delete')
    await work.git('revert', '--no-edit', 'HEAD')
    return undefined
  }),
  beside('its line moves to another file', async (work, [, token]) => {
    await work.write('deploy/.env', 'A=1\n')
    await work.write('deploy/secret.env', `TOKEN=${token}\n`)
    await work.commit()
    return undefined
  }),
  beside('an archive of upstream with a secret gets another file', async (work, [token]) => {
    await work.write('fixtures/old.zip', zip({ 'a.txt': `token ${token}\n`, 'b.txt': 'b\n' }))
    await work.commit()
    return undefined
  }),
  beside('a UTF-16 file of upstream with a secret is touched', async (work, [token]) => {
    await work.write('fixtures/old.reg', wideText(`token ${token}\nmore\n`, { mark: true }))
    await work.commit()
    return undefined
  }),
  beside(
    'a file with a secret is deleted, and created elsewhere with a change by the next commit',
    async (work, [, token]) => {
      await work.git('rm', '--quiet', 'deploy/.env')
      await work.commit('Delete')
      await work.write('infra/production.env', `TOKEN=${token}\nA=1\nB=2\n`)
      await work.commit('Make anew')
      return undefined
    },
  ),
  beside('a file with a secret is copied and changed at once', async (work, [, token]) => {
    await work.write('copy.env', `# a copy\nTOKEN=${token}\n`)
    await work.commit()
    return undefined
  }),
  beside('a key is copied into another file', async (work, [, , key]) => {
    await work.write('deploy/all.pem', `the key:\n${key}\n`)
    await work.commit()
    return undefined
  }),
  beside('a commit of another branch of upstream is picked', async work => {
    const secret = githubToken()
    await work.git('checkout', '--quiet', '-b', 'other')
    await work.write('other.ts', `const token = "${secret}"\n`)
    const commit = await work.commit('Other')
    await work.publish('other')
    await work.git('checkout', '--quiet', 'main')
    await work.write('main.ts', 'main\n')
    await work.commit('Main')
    await work.git('cherry-pick', commit)
    return undefined
  }),
  beside('upstream is merged into a branch from before the secrets', async work => {
    await work.git('checkout', '--quiet', '-b', 'feature', 'HEAD^')
    await work.write('feature.ts', 'feature\n')
    await work.commit()
    await work.git('merge', '--quiet', '--no-ff', '--message', 'Merge main', 'main')
    return ['HEAD:refs/heads/feature']
  }),
  beside('a merge with a conflict beside the secret', async work => {
    await work.git('checkout', '--quiet', '-b', 'feature')
    await work.write('deploy/.env', `${await work.git('show', 'main:deploy/.env')}\nB=feature\n`)
    await work.commit()
    await work.git('checkout', '--quiet', 'main')
    await work.write('deploy/.env', `${await work.git('show', 'main:deploy/.env')}\nB=main\n`)
    await work.commit()
    await work.git('merge', 'feature').catch(() => '')
    await work.write('deploy/.env', `${await work.git('show', 'main~1:deploy/.env')}\nB=both\n`)
    await work.commit('Merge feature')
    return undefined
  }),
  beside('a new branch at an old commit', async () => ['HEAD:refs/heads/again', 'HEAD~1:refs/heads/before']),
  beside('a tag on an old commit', async work => {
    await work.git('tag', '--annotate', 'v1', '--message', 'One')
    return ['refs/tags/v1']
  }),
  {
    name: 'a tag of upstream under a second name',
    async make(work) {
      await work.git('tag', '--annotate', 'v1', '--message', `Release ${githubToken()}`)
      await work.publish('refs/tags/v1')
      await work.git('tag', 'latest', 'v1')
      return { refspecs: ['refs/tags/latest'], secrets: [] }
    },
  },
  {
    name: 'a file of upstream whose name has a secret is moved, deleted and made again',
    async make(work) {
      const secret = githubToken()
      await work.write(`keys/${secret}.txt`, 'nothing\n')
      await work.commit()
      await work.publish('main')
      await work.git('mv', 'keys', 'old')
      await work.commit('Move')
      await work.git('rm', '-r', '--quiet', 'old')
      await work.commit('Delete')
      await work.write(`keys/${secret}.txt`, 'again\n')
      await work.commit('Again')
      return onMain()
    },
  },
  {
    name: 'other line endings for 2,600 files of upstream with secrets',
    async make(work) {
      const lines = Array.from({ length: 2_600 }, () => `token ${githubToken()}\n`)
      for (const [i, text] of lines.entries()) await work.write(`old/${i % 50}/file-${i}.txt`, text)
      await work.commit('Old secrets')
      await work.publish('main')
      for (const [i, text] of lines.entries())
        await work.write(`old/${i % 50}/file-${i}.txt`, text.replace('\n', '\r\n'))
      await work.commit('Line endings')
      return onMain()
    },
  },
  beside('a branch is deleted', async work => {
    await work.publish('main:refs/heads/gone')
    return [':refs/heads/gone']
  }),
  beside('a rebase of a commit beside the secrets', async work => {
    await work.git('checkout', '--quiet', '-b', 'feature', 'HEAD^')
    await work.write('feature.ts', 'feature\n')
    await work.commit()
    await work.git('rebase', '--quiet', 'main')
    return ['HEAD:refs/heads/feature']
  }),
]
