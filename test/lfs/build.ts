// Builds the git-lfs of `npm run test:lfs` into .cache/git-lfs. Does nothing when that version is there.
import { buildGoProgram } from '../harness/run/build-go-program.ts'
import { GIT_LFS_PROGRAM } from './client.ts'

buildGoProgram({
  module: 'github.com/git-lfs/git-lfs/v3@v3.8.1',
  sum: 'h1:SzfllBjlYuSaswBmhUeDPGgXSA74aIQ3/QHxbZmyyfM=',
  package: '.',
  program: GIT_LFS_PROGRAM,
})
