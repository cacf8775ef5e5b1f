import { NULL_ID } from '../git/objects/object-format.ts'
import { FLUSH, pktLine } from '../git/pkt-line.ts'
import { readMirrorRefs } from '../git/ref-list.ts'
import type { Mirror } from '../mirror/mirror.ts'
import { capabilityCache } from './capabilities.ts'

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
  // The bytes of a name that is not UTF-8 are lost.
  if ([...refs.keys()].some(ref => ref.includes('\ufffd'))) return undefined
  return Buffer.concat([
    pktLine('# service=git-receive-pack\n'),
    FLUSH,
    refLines(refs, known, NULL_ID[mirror.objectFormat ?? 'sha1']),
    FLUSH,
  ])
}

/** A repository without refs has a line for its capabilities alone. */
function refLines(refs: ReadonlyMap<string, string>, known: string, nullId: string): Buffer {
  const entries = refs.size ? refs : new Map([['capabilities^{}', nullId]])
  const text = joinLines(entries, known, ref => ref.length)
  // Names in ASCII alone, which are the most, have as many bytes as characters.
  if (Buffer.byteLength(text) === text.length) return Buffer.from(text, 'latin1')
  return Buffer.from(joinLines(entries, known, ref => Buffer.byteLength(ref)))
}

function joinLines(
  refs: ReadonlyMap<string, string>,
  known: string,
  bytesOf: (ref: string) => number,
): string {
  const lengths: string[] = []
  let text = ''
  let rest = `\0${known}\n`
  for (const [ref, id] of refs) {
    const bytes = 4 + id.length + 1 + bytesOf(ref) + rest.length
    lengths[bytes] ??= bytes.toString(16).padStart(4, '0')
    text += `${lengths[bytes]}${id} ${ref}${rest}`
    rest = '\n'
  }
  return text
}

const capabilitiesOf = capabilityCache(async git => {
  const advertised = await git.text(['receive-pack', '--http-backend-info-refs', git.dir], {
    signal: AbortSignal.timeout(10_000),
  })
  const known = /\0([^\n]*)\n/.exec(advertised)?.[1]
  if (known === undefined) throw new Error('git receive-pack has advertised no capabilities')
  return known
})
