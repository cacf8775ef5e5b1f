import path from 'node:path'
import base from '../../vitest.config.ts'
import { GIT_LFS_PROGRAM } from './client.ts'

/** The configuration of `npm run test:lfs`: the tests of Git LFS alone, with the git-lfs of `test/lfs/build.ts`. */
export default {
  ...base,
  test: {
    ...base.test,
    include: ['test/lfs/*.test.ts', 'test/lfs/*.lfs.ts', 'test/forge/gitea/lfs.gitea.ts'],
    env: { ...base.test?.env, PATH: `${path.dirname(GIT_LFS_PROGRAM)}:${process.env.PATH}` },
  },
}
