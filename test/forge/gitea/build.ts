// Builds the Gitea that test/forge/gitea tests against into .cache/gitea: its program, and the templates and texts
// that it reads. Does nothing when that version is there. It takes a C compiler, and about 10 minutes of one processor.
import fs from 'node:fs'
import path from 'node:path'
import { buildGoProgram } from '../../harness/run/build-go-program.ts'
import { GITEA_PROGRAM, GITEA_STATIC } from './server.ts'

const VERSION = '1.25.0'
/** Read at run time, since a build without the tag `bindata` does not embed them. */
const READ_AT_RUN_TIME = ['templates', 'options', 'public']

buildGoProgram({
  module: `code.gitea.io/gitea@v${VERSION}`,
  sum: 'h1:KnOtMEYQU4Axsu73NiyRhb5E7Q05i8AYp0Ke9shVQ1w=',
  package: '.',
  program: GITEA_PROGRAM,
  options: ['-tags', 'sqlite sqlite_unlock_notify', '-ldflags', `-s -w -X main.Version=${VERSION}`],
  cgo: true,
  also(source) {
    fs.rmSync(GITEA_STATIC, { recursive: true, force: true })
    for (const folder of READ_AT_RUN_TIME)
      fs.cpSync(path.join(source, folder), path.join(GITEA_STATIC, folder), { recursive: true })
  },
})
