import { ZERO_ID } from '../../src/contract/names.ts'
import type { Git } from '../git/git.ts'
import { FLUSH, pktLine } from '../git/pkt-line.ts'
import { readMirrorRefs } from '../git/ref-list.ts'
import type { Mirror } from '../mirror/mirror.ts'

const capabilities = new WeakMap<Mirror, Promise<string>>()

/**
 * Returns the advertisement for a push, as git http-backend writes it (gitprotocol-http(5)): the refs that agents may
 * push, and git's own capabilities, which it is asked for once. Undefined: git has to write it.
 */
export async function pushAdvertisement(
  mirror: Mirror,
  protocol: string | undefined,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  // receive-pack has no version 2, and answers a request for it in version 0.
  if (protocol !== undefined && protocol !== 'version=2') return undefined
  const [known, { refs }] = await Promise.all([
    capabilitiesOf(mirror),
    readMirrorRefs(mirror.git, signal, 'refs/heads', 'refs/tags', 'refs/notes', 'refs/for'),
  ])
  return Buffer.concat([pktLine('# service=git-receive-pack\n'), FLUSH, refLines(refs, known), FLUSH])
}

/** A repository without refs has a line for its capabilities alone. */
function refLines(refs: ReadonlyMap<string, string>, known: string): Buffer {
  const lines: string[] = []
  let rest = `\0${known}`
  for (const [ref, id] of refs.size ? refs : [['capabilities^{}', ZERO_ID]]) {
    const line = `${id} ${ref}${rest}\n`
    lines.push((Buffer.byteLength(line) + 4).toString(16).padStart(4, '0'), line)
    rest = ''
  }
  return Buffer.from(lines.join(''))
}

function capabilitiesOf(mirror: Mirror): Promise<string> {
  const known = capabilities.get(mirror) ?? askCapabilities(mirror.git)
  capabilities.set(mirror, known)
  known.catch(() => capabilities.delete(mirror))
  return known
}

async function askCapabilities(git: Git): Promise<string> {
  const advertised = await git.text(['receive-pack', '--http-backend-info-refs', git.dir], {
    signal: AbortSignal.timeout(10_000),
  })
  const known = /\0([^\n]*)\n/.exec(advertised)?.[1]
  if (known === undefined) throw new Error('git receive-pack has advertised no capabilities')
  return known
}
