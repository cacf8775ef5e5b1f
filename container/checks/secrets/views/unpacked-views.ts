import { type Source, spool } from '../bytes/byte-source.ts'
import type { Survey } from '../bytes/survey.ts'
import { hasNameRule } from '../gitleaks/scan-names.ts'
import { storedMembers } from '../unpack/archive-members.ts'
import type { CompressedStream } from '../unpack/compressed-stream.ts'
import { findStreams } from '../unpack/find-streams.ts'
import { unpack } from '../unpack/unpack.ts'
import type { ExpandOptions } from './expand-options.ts'
import type { Nesting, View } from './view.ts'

/** The part of a source that is read into memory at once. */
export interface Segment {
  readonly source: Source
  /** The segment's offset in the source, in bytes. */
  readonly start: number
  readonly content: Buffer
  readonly survey: Survey
  readonly lineAt: (offset: number) => number
  /** True for a source that is a PNG picture. */
  readonly isPng: boolean
}

/** Offsets in a source that were expanded; overlapping segments show the same offset twice. */
export interface ExpandedOffsets {
  readonly streams: Set<number>
  readonly members: Set<number>
}

/** Unpacks and expands the compressed streams that begin in a segment. */
export async function* expandStreams(
  { source, start, content, isPng }: Segment,
  { streams }: ExpandedOffsets,
  nesting: Nesting,
  options: ExpandOptions,
): AsyncGenerator<View> {
  const { signal, budget, path, folder } = options
  for (const stream of budget.timed(() => findStreams(content, { budget, isStart: start === 0, isPng }))) {
    const offset = start + stream.offset
    if (streams.has(offset)) continue
    streams.add(offset)
    budget.countStream(nesting.depth + 1, path)
    const unpacked = await spool(unpack(source, { ...stream, offset }, budget, path, signal), folder)
    try {
      if (unpacked.size > 0) yield* options.expand(unpacked, nestStream(stream, nesting), options)
    } finally {
      await unpacked.dispose()
    }
  }
}

function nestStream({ kind, name, originalName }: CompressedStream, nesting: Nesting): Nesting {
  const depth = nesting.depth + 1
  const encodings = [...nesting.encodings, name ? 'zip' : kind]
  if (name) return { depth, encodings, archivePath: [...nesting.archivePath, name] }
  const ruleName = originalName && hasNameRule(originalName) ? originalName : nesting.name
  return { depth, encodings, archivePath: nesting.archivePath, ...(ruleName ? { name: ruleName } : {}) }
}

/**
 * Expands the uncompressed archive members that begin in a segment, where a rule asks for their name: their text is in
 * the segment's own view, without the name.
 */
export async function* expandMembers(
  { source, start, content, lineAt }: Segment,
  { members }: ExpandedOffsets,
  nesting: Nesting,
  options: ExpandOptions,
): AsyncGenerator<View> {
  const { budget, path } = options
  for (const { name, offset, size } of storedMembers(content)) {
    const sourceOffset = start + offset
    if (!hasNameRule(name) || sourceOffset >= source.size || members.has(sourceOffset)) continue
    members.add(sourceOffset)
    const member = slice(source, sourceOffset, size)
    budget.countStream(nesting.depth + 1, path)
    budget.addBytes(member.size, path)
    yield* options.expand(
      member,
      { ...nesting, depth: nesting.depth + 1, name, first: lineAt(offset) },
      options,
    )
  }
}

/** Returns up to `size` bytes of `source` from `offset` on. */
function slice(source: Source, offset: number, size: number): Source {
  const available = Math.min(size, source.size - offset)
  return {
    size: available,
    read: (start, length) => source.read(offset + start, Math.min(length, available - start)),
    dispose: async () => {},
  }
}
