import { access, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/*
 * A mirror is born with a mark that its first whole refresh takes away. Until then git does not wait for the disk with
 * each of its refs (core.fsync in git-config(1)), which for 50,000 takes minutes; a power cut may leave them empty, so
 * the companion's next life makes a marked mirror anew.
 */
const mark = (dir: string) => join(dir, 'unfilled')

export const markUnfilled = (dir: string): Promise<void> => writeFile(mark(dir), '')

export const markFilled = (dir: string): Promise<void> => rm(mark(dir), { force: true })

export const isUnfilled = (dir: string): Promise<boolean> =>
  access(mark(dir)).then(
    () => true,
    () => false,
  )

/** More for the environment of git that fills a mirror: refs are not synced one by one. */
export const UNSYNCED_REFS: Readonly<Record<string, string>> = {
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'core.fsync',
  GIT_CONFIG_VALUE_0: '-reference',
}
