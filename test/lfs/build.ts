// Builds the programs of `npm run test:lfs` into .cache. Does nothing when their versions are there.
import { buildGoProgram } from '../harness/run/build-go-program.ts'
import { GIT_LFS_PROGRAM } from './client.ts'
import { LFS_TRANSFER_PROGRAM } from './ssh-transfer-server.ts'

buildGoProgram({
  module: 'github.com/git-lfs/git-lfs/v3@v3.8.1',
  sum: 'h1:SzfllBjlYuSaswBmhUeDPGgXSA74aIQ3/QHxbZmyyfM=',
  package: '.',
  program: GIT_LFS_PROGRAM,
})
buildGoProgram({
  module: 'github.com/charmbracelet/git-lfs-transfer@v0.1.0',
  sum: 'h1:LWpo5Sy9ZA9r01nezp4pZo8khAiZTgwraHsc2jKFy+4=',
  package: '.',
  program: LFS_TRANSFER_PROGRAM,
})
