import { execFileSync } from 'node:child_process'
import path from 'node:path'
import type { Gate } from '../harness/index.ts'
import type { Fault } from './fault.ts'

/** A disk of its own for the mirrors. */
export interface Disk extends Disposable {
  /** Full with the next pack, until there is room again. */
  readonly fault: Fault
}

const [ROOM, FULL] = ['size=256m', 'size=12m']

/** A small tmpfs in the place of the mirrors, which are made anew; undefined where it may not be mounted. */
export function diskFor(gate: Gate): Disk | undefined {
  const mirrors = path.join(gate.companion.home, 'mirrors')
  const mount = (...args: string[]) => execFileSync('mount', [...args, mirrors], { stdio: 'pipe' })
  try {
    mount('-t', 'tmpfs', '-o', ROOM, 'tmpfs')
  } catch {
    return undefined
  }
  return {
    fault: {
      words: 'disk full while receiving',
      size: 20,
      async inject() {
        mount('-o', `remount,${FULL}`)
        return () => mount('-o', `remount,${ROOM}`)
      },
    },
    [Symbol.dispose]: () => void execFileSync('umount', ['-l', mirrors]),
  }
}
