import fs from 'node:fs'
import path from 'node:path'
import { startLfsServer } from '../test/harness/hosts/lfs-server.ts'
import { GIT_LFS_CONFIG } from '../test/lfs/client.ts'
import { mustGit, type Place, type Stage } from './bench-fixture.ts'
import { binary } from './repositories.ts'
import { type WorkTree, workTree } from './work-tree.ts'

/** Starts an LFS server that the stage's sshd names, for the gate and for direct access. */
export const startStageLfs = (stage: Stage) =>
  startLfsServer({ dir: path.join(stage.folder, 'of-git-shell-commands') })

/** The objects of a clone, as git-lfs keeps them. */
export const objectsOf = (tree: Pick<WorkTree, 'dir'>) => path.join(tree.dir, '.git/lfs/objects')

/** Clones, and commits `count` files of random bytes in Git LFS, of `bytes` together. */
export async function lfsTree(stage: Stage, { dir }: Place, count: number, bytes: number): Promise<WorkTree> {
  const tree = await workTree(stage, dir)
  for (const [name, value] of GIT_LFS_CONFIG) await mustGit(['config', name, value], { cwd: tree.dir })
  fs.writeFileSync(path.join(tree.dir, '.gitattributes'), '*.bin filter=lfs diff=lfs merge=lfs -text\n')
  for (let i = 0; i < count; i++)
    fs.writeFileSync(path.join(tree.dir, `file-${i}.bin`), binary(Math.floor(bytes / count)))
  await tree.change({})
  return tree
}
