import { execFileSync } from 'node:child_process'
import path from 'node:path'
import type { Gate } from '../harness/index.ts'
import type { Fault } from './fault.ts'

/** A disk of its own for the mirrors. */
export interface Disk extends Disposable {
  /** Full with the next pack, until there is room again. */
  readonly fault: Fault
}

const [ROOM, FULL] = ['256m', '12m']

/** A tmpfs in the place of a folder; undefined where it may not be mounted. */
export function smallDisk(
  folder: string,
  size: string,
): (Disposable & { resize(to: string): void }) | undefined {
  const mount = (...args: string[]) => execFileSync('mount', [...args, folder], { stdio: 'pipe' })
  try {
    mount('-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs')
  } catch {
    return undefined
  }
  return {
    resize: to => void mount('-o', `remount,size=${to}`),
    [Symbol.dispose]: () => void execFileSync('umount', ['-l', folder]),
  }
}

/** A small disk in the place of the mirrors, which are made anew; undefined where it may not be mounted. */
export function diskFor(gate: Gate): Disk | undefined {
  const disk = smallDisk(path.join(gate.companion.home, 'mirrors'), ROOM)
  if (!disk) return undefined
  return {
    fault: {
      words: 'disk full while receiving',
      size: 20,
      async inject() {
        disk.resize(FULL)
        return () => disk.resize(ROOM)
      },
    },
    [Symbol.dispose]: () => disk[Symbol.dispose](),
  }
}
