import { inBytes, LimitExceeded, type Limits } from '../../limits.ts'
import { fileSource } from '../bytes/byte-source.ts'
import type { AddContent } from './read-push.ts'

/** An LFS object in a file of the gate. */
export interface StoredObject {
  readonly oid: string
  readonly size: number
  readonly path: string
  /** Larger than a file may be: its text and its encodings are scanned, and its archives are not opened. */
  readonly isLarge: boolean
}

/** The place that a finding in an LFS object names: an upload carries no path. */
export const lfsPath = ({ oid }: Pick<StoredObject, 'oid'>) => `LFS object ${oid}`

/** Reads the content of LFS objects. Throws LimitExceeded past the limit of all files of a scan. */
export async function readLfsObjects(
  objects: readonly StoredObject[],
  { maxBytes }: Limits,
  add: AddContent,
): Promise<void> {
  const bytes = objects.reduce((sum, { size }) => sum + size, 0)
  if (bytes > maxBytes) throw new LimitExceeded(`it holds more than ${inBytes(maxBytes)}`, '')
  for (const object of objects) {
    const source = await fileSource(object.path, object.size, { keep: true })
    try {
      await add([{ commit: '', path: lfsPath(object), kind: 'LFS object' }], source)
    } finally {
      await source.dispose()
    }
  }
}
