import { isPushable } from '../../src/contract/names.ts'
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
  const [capabilities, { refs }] = await Promise.all([
    capabilitiesOf(mirror),
    readMirrorRefs(mirror.git, signal),
  ])
  const lines = refLines(refs, capabilities, NULL_ID[mirror.objectFormat ?? 'sha1'])
  return lines && Buffer.concat([pktLine('# service=git-receive-pack\n'), FLUSH, ...lines, FLUSH])
}

/** The lines that become one string. A string of fifty thousand lines takes three times as long to make. */
const LINES_PER_STRING = 256

/**
 * Returns the lines of the refs that agents may push. A repository without refs has a line for its capabilities alone.
 * Undefined: the bytes of a name that is not UTF-8 are lost.
 */
function refLines(
  refs: ReadonlyMap<string, string>,
  capabilities: string,
  nullId: string,
): Buffer[] | undefined {
  const written: Buffer[] = []
  const lengths: string[] = []
  let text = ''
  let count = 0
  let rest = `\0${capabilities}\n`
  for (const [ref, id] of refs) {
    if (!isPushable(ref)) continue
    if (ref.includes('\ufffd')) return undefined
    const bytes = 4 + id.length + 1 + Buffer.byteLength(ref) + rest.length
    lengths[bytes] ??= bytes.toString(16).padStart(4, '0')
    text += `${lengths[bytes]}${id} ${ref}${rest}`
    rest = '\n'
    count += 1
    if (count % LINES_PER_STRING > 0) continue
    written.push(Buffer.from(text))
    text = ''
  }
  if (count === 0) return [pktLine(`${nullId} capabilities^{}\0${capabilities}\n`)]
  return [...written, Buffer.from(text)]
}

const capabilitiesOf = capabilityCache(async git => {
  const advertised = await git.text(['receive-pack', '--http-backend-info-refs', git.dir], {
    signal: AbortSignal.timeout(10_000),
  })
  const capabilities = /\0([^\n]*)\n/.exec(advertised)?.[1]
  if (capabilities === undefined) throw new Error('git receive-pack has advertised no capabilities')
  return capabilities
})
