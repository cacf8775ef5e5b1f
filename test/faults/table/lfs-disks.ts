import fs from 'node:fs'
import path from 'node:path'
import { smallDisk } from '../fixtures/full-disk.ts'
import { type Answer, type LfsScene, objectOf } from '../fixtures/lfs-scene.ts'
import { type AnyScene, HALF, type LfsFault, sent } from './lfs-faults.ts'

const storeOf = ({ gate }: Pick<LfsScene, 'gate'>) => path.join(gate.companion.home, 'lfs')

const onDisk = (
  words: string,
  size: string,
  send: (scene: AnyScene, bytes: Buffer) => Promise<Answer>,
): LfsFault<AnyScene> =>
  sent(words, async (scene, bytes) => {
    using disk = smallDisk(storeOf(scene), size)
    if (!disk) throw new Error('only root may mount a small disk')
    return await send(scene, bytes)
  })

/** Faults that take a small disk for the store. */
export const DISKS: readonly LfsFault<AnyScene>[] = [
  onDisk('disk full, before the object', '300k', ({ upload }, bytes) => upload(bytes)),
  onDisk('disk full, mid-object', '1m', async (scene, bytes) => {
    const upload = scene.begin(objectOf(bytes), bytes.length)
    await upload.send(bytes.subarray(0, HALF))
    await scene.untilBusy()
    const filler = path.join(storeOf(scene), 'filler')
    expectFull(() => fs.writeFileSync(filler, Buffer.alloc(2 << 20)))
    await upload.send(bytes.subarray(HALF))
    const answer = await upload.answer
    fs.rmSync(filler)
    return answer
  }),
]

function expectFull(fill: () => void): void {
  try {
    fill()
  } catch {
    return
  }
  throw new Error('the disk is not full')
}

export const canMount = (scene: AnyScene): boolean => {
  using disk = smallDisk(storeOf(scene), '1m')
  return disk !== undefined
}
