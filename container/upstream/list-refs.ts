import type { Upstream } from '../../src/contract/companion-api/pass.ts'
import { type MirroredRefs, mirroredRefs } from '../../src/contract/mirrored-refs.ts'
import type { ObjectFormat } from '../git/objects/object-format.ts'
import { DELIMITER, FLUSH, PktLineError, pktLine } from '../git/pkt-line.ts'
import { killWithStreams } from '../process/spawn.ts'
import type { Link, PreparedSession } from './link.ts'
import { type Answer, OtherFormat, RefListReader } from './ref-list-reader.ts'
import { CONNECT, HelperReader } from './remote-helper.ts'
import { toUpstreamError } from './to-upstream-error.ts'
import { createUploadSession, type UploadSession } from './upload-session.ts'
import { CredentialRefused } from './upstream-error.ts'
import type { UpstreamRefs } from './upstream-refs.ts'

/** An `ls-refs` request for HEAD and these refs (gitprotocol-v2(5)). */
const listRefs = ({ prefixes }: MirroredRefs, format: ObjectFormat, ...more: readonly string[]) =>
  Buffer.concat([
    pktLine('command=ls-refs\n'),
    pktLine(`object-format=${format}`),
    DELIMITER,
    ...[...more, 'peel\n', 'symrefs\n', 'ref-prefix HEAD\n'].map(pktLine),
    ...prefixes.map(prefix => pktLine(`ref-prefix ${prefix}\n`)),
    FLUSH,
  ])

/** Upstream's refs, and the session in which it has listed them. */
export interface Listed {
  readonly refs: UpstreamRefs
  /** The caller ends it. Undefined over HTTPS, or if upstream does not speak protocol version 2. */
  readonly session: UploadSession | undefined
}

/**
 * Requests upstream's refs. Over SSH the request is sent before upstream has advertised its protocol version,
 * so it takes one round trip after the channel is open; `git ls-remote` takes two. An upstream without version 2
 * lists its refs without a request (gitprotocol-pack(5)). Rejects with UpstreamError.
 *
 * The request names an object format. If upstream has the other, it is asked again.
 */
export async function listUpstream(
  link: Link,
  upstream: Upstream,
  expectedFormat: ObjectFormat,
  signal: AbortSignal,
): Promise<Listed> {
  const wanted = mirroredRefs(upstream.readRefs)
  const askIn = (format: ObjectFormat, ...more: readonly string[]) =>
    queryRefs(link, { upstream, wanted, format, question: listRefs(wanted, format, ...more), signal })
  const answer = await askIn(expectedFormat).catch(error => {
    // A host may revoke the token of an app before its end.
    if (error instanceof CredentialRefused && upstream.credential?.app) return askIn(expectedFormat)
    if (error instanceof OtherFormat) return askIn(error.format)
    throw error
  })
  // An upstream that does not advertise `unborn` would refuse the word.
  if (answer.refs.refs.size > 0 || !answer.supportsUnborn) return answer
  answer.session?.end()
  return askIn(answer.refs.objectFormat, 'unborn\n')
}

interface Query {
  readonly upstream: Upstream
  readonly wanted: MirroredRefs
  readonly format: ObjectFormat
  readonly question: Buffer
  readonly signal: AbortSignal
}

type Reply = Listed & { readonly supportsUnborn: boolean }

/** Asks in a session that was prepared. If that has ended, or is not of version 2, it asks in another. */
async function queryRefs(link: Link, query: Query): Promise<Reply> {
  const { upstream, signal } = query
  const prepared = link.prepared?.take(upstream, signal)
  const early = prepared && (await queryIn(prepared, query).catch(error => passOn(error, signal)))
  const reply = early?.session ? early : await queryIn(await openSession(link, query), query)
  if (reply.session) link.prepared?.prepareNext(upstream)
  return reply
}

async function openSession(link: Link, { upstream, signal }: Query): Promise<PreparedSession> {
  const { startUploadPack, release } = await link.acquire(signal)
  try {
    return { uploadPack: startUploadPack(upstream, signal), release }
  } catch (error) {
    release()
    throw error
  }
}

/** An upstream that ended a session says nothing about the refs, unlike the reasons for which it is not asked again. */
function passOn(error: unknown, signal: AbortSignal): undefined {
  if (error instanceof OtherFormat || signal.aborted) throw error
}

async function queryIn(
  { uploadPack, release }: PreparedSession,
  { upstream, wanted, format, question, signal }: Query,
): Promise<Reply> {
  const { child, isHelper } = uploadPack
  let isAnswered = false
  let session: UploadSession | undefined
  try {
    const answer = await new Promise<Answer>((resolve, reject) => {
      const list = new RefListReader(wanted, format)
      const reader = isHelper ? new HelperReader(list, question, bytes => child.stdin?.write(bytes)) : list
      let stderr = ''
      child.stderr?.on('data', (chunk: Buffer) => {
        stderr = (stderr + chunk.toString('utf8')).slice(-4096)
      })
      child.stdout?.on('data', (chunk: Buffer) => {
        try {
          const answer = reader.push(chunk)
          if (answer) resolve(answer)
        } catch (error) {
          reject(error instanceof PktLineError ? toUpstreamError(upstream, error.message) : error)
        }
      })
      child.stdin?.on('error', () => {})
      if (isHelper) child.stdin?.write(CONNECT)
      else child.stdin?.write(question)
      child.once('error', reject)
      child.once('close', () => {
        if (!isAnswered) reject(signal.aborted ? signal.reason : toUpstreamError(upstream, stderr))
      })
    })
    isAnswered = true
    const { capabilities, supportsUnborn, ...refs } = answer
    child.stdout?.removeAllListeners('data')
    if (!isHelper && capabilities.length > 0)
      session = createUploadSession(uploadPack, release, greetingOf(capabilities), refs)
    return { refs, session, supportsUnborn }
  } finally {
    if (!session) {
      killWithStreams(child)
      release({ broken: signal.aborted })
    }
  }
}

const greetingOf = (lines: readonly string[]) =>
  Buffer.concat([...lines.map(line => pktLine(`${line}\n`)), FLUSH])
