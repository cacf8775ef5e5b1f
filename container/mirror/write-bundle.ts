import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { BUNDLE_HEADER, type PassFor } from '../../src/contract/pass.ts'
import { disconnectSignal } from '../client/push-client.ts'
import { type RefList, readMirrorRefs } from '../git/ref-list.ts'
import type { Settings } from '../settings.ts'
import { mirrorSize } from './disk-size.ts'
import type { Mirrors } from './mirrors.ts'

/** What a mirror of less takes to come from upstream is not worth keeping a copy, in bytes. */
const MIN_BUNDLE_BYTES = 8 << 20

/**
 * All of a repository's mirror as a bundle (git-bundle(1)), under a name for the refs it has. 204 where that is the
 * one that is kept already, or there is not enough of it.
 */
export async function sendBundle(
  { mirrors, settings }: { readonly mirrors: Mirrors; readonly settings: Settings },
  { repository, kept }: PassFor<'bundle'>,
  response: ServerResponse,
): Promise<void> {
  const mirror = mirrors.get(repository)
  const nothing = () => void response.writeHead(204).end()
  if (!(await mirror.isReady()) || ((await mirrorSize(mirror.git.dir)) ?? 0) < MIN_BUNDLE_BYTES)
    return nothing()
  const signal = AbortSignal.any([disconnectSignal(response), AbortSignal.timeout(settings.refreshMs)])
  const scratch = join(settings.home, 'scratch')
  const file = join(scratch, `${randomUUID()}.bundle`)
  const leave = await mirror.enter()
  try {
    const name = nameOf(await readMirrorRefs(mirror.git, signal))
    if (name === kept) return nothing()
    await mkdir(scratch, { recursive: true, mode: 0o700 })
    await mirror.git.text(['bundle', 'create', '--quiet', file, '--branches', '--tags'], { signal })
    const { size } = await stat(file)
    response.writeHead(200, { 'content-length': size, [BUNDLE_HEADER]: name })
    await pipeline(createReadStream(file), response, { signal })
  } finally {
    leave(signal.aborted)
    // Git writes beside it first, and leaves that when it is killed.
    for (const left of [file, `${file}.lock`]) await rm(left, { force: true })
  }
}

/** The same refs have the same name. */
function nameOf({ refs }: RefList): string {
  const hash = createHash('sha256')
  for (const [ref, id] of refs) hash.update(`${id} ${ref}\n`)
  return hash.digest('hex')
}
