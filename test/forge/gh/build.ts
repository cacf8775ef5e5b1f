// Builds GitHub's own client, gh, that test/forge/gh tests against into .cache/gh. Does nothing when that version is
// there.
import { buildGoProgram } from '../../harness/run/build-go-program.ts'
import { GH_PROGRAM } from './program.ts'

buildGoProgram({
  module: 'github.com/cli/cli/v2@v2.83.0',
  sum: 'h1:DIh4WStSDm15OT43vImvKp21v9JAg8pBbdVoisknTKo=',
  package: './cmd/gh',
  program: GH_PROGRAM,
})
