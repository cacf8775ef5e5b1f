import type { ObjectFormat } from '../git/objects/object-format.ts'
import type { RefList } from '../git/ref-list.ts'

/** Upstream's refs, and the targets of its tags. */
export interface UpstreamRefs extends RefList {
  readonly objectFormat: ObjectFormat
  /** Maps an annotated tag's full ref name to the object id that it points to. */
  readonly peeled: ReadonlyMap<string, string>
  /** Symbolic refs other than HEAD. Upstream reports them over protocol version 2 only. */
  readonly symbolic: ReadonlySet<string>
}
