import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { BUNDLE_HEADER, type PassFor } from '../../src/contract/companion-api/pass.ts'
import { readBody } from '../client/request-body.ts'
import { disconnectSignal } from '../client/response-end.ts'
import type { Companion } from '../companion.ts'
import { type RefList, readMirrorRefs } from '../git/ref-list.ts'
import { mirrorSize } from '../mirror/disk-size.ts'
import type { Mirrors } from '../mirror/mirrors.ts'
import type { Settings } from '../settings.ts'

/** The minimum size of a mirror for a seed, in bytes. A smaller mirror comes from upstream fast enough. */
const MIN_BUNDLE_BYTES = 8 << 20

/**
 * Sends a repository's mirror as a bundle (git-bundle(1)), named by a hash of its refs. Responds with 204
 * when R2 already keeps this bundle, or when the mirror is too small or not ready.
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
    const name = nameOf(await readMirrorRefs(mirror.git, signal, 'refs/heads', 'refs/tags'))
    if (name === kept) return nothing()
    await mkdir(scratch, { recursive: true, mode: 0o700 })
    await mirror.git.text(['bundle', 'create', '--quiet', file, '--branches', '--tags'], { signal })
    const { size } = await stat(file)
    response.writeHead(200, { 'content-length': size, [BUNDLE_HEADER]: name })
    await pipeline(createReadStream(file), response, { signal })
  } finally {
    leave(signal.aborted)
    // Git writes to a .lock file first, and leaves it when it is killed.
    for (const leftover of [file, `${file}.lock`]) await rm(leftover, { force: true })
  }
}

/** Returns a hash of the refs: the same refs have the same name. */
function nameOf({ refs }: RefList): string {
  const hash = createHash('sha256')
  for (const [ref, id] of refs) hash.update(`${id} ${ref}\n`)
  return hash.digest('hex')
}

/**
 * Receives the bundle that a new mirror starts from. An unused body is drained: the Worker reads the response
 * only after it has sent the body.
 */
export async function receiveSeed(
  { mirrorSeed, settings }: Companion,
  { repository, isKept }: PassFor<'mirror-seed'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  await mirrorSeed.provide(repository, isKept ? request : undefined)
  await readBody(request, { idleMs: settings.clientIdleMs, bytesPerSecond: settings.minReceiveRate }).drain()
  response.writeHead(204).end()
}
