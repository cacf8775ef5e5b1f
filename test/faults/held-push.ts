import fs from 'node:fs'
import path from 'node:path'
import { type Gate, megabytes, until } from '../harness/index.ts'
import { type Pushing, startPush, startRawPush } from './pushing.ts'
import { indexing, type Scene, type Surface } from './scene.ts'
import { holdForwards } from './upstream-hold.ts'
import { wayTo } from './way.ts'

/** The phases that a fault can meet a push in. */
export type Phase =
  | 'after info/refs'
  | 'mid-pack, 2 MB'
  | 'mid-pack, 100 MB'
  | 'during the scan'
  | 'during the forward'
export const PHASES: readonly Phase[] = [
  'after info/refs',
  'mid-pack, 2 MB',
  'mid-pack, 100 MB',
  'during the scan',
  'during the forward',
]

/** A push that stands in a phase. */
export interface HeldPush extends Pushing, AsyncDisposable {
  /** Nothing of it is heard any more, not even the end of its connection. */
  vanish(): void
  /** What held it is taken away; it may go on. */
  release(): void
}

/** What makes a push stand in a phase: it has been reached, and it may go on. */
interface Hold {
  reached(carried: (bytes: number) => Promise<void>): Promise<unknown>
  release(): void
}

const HOLDS: Readonly<Record<Phase, (scene: Scene) => Hold>> = {
  'after info/refs': ({ work }) => {
    const mark = path.join(work.dir, '.git', 'at-pre-push')
    const hook = path.join(work.dir, '.git', 'hooks', 'pre-push')
    fs.mkdirSync(path.dirname(hook), { recursive: true })
    fs.rmSync(mark, { force: true })
    fs.writeFileSync(hook, `#!/bin/sh\n: > '${mark}'\nexec sleep 1000\n`, { mode: 0o755 })
    const isThere = () => (fs.existsSync(mark) ? true : undefined)
    return {
      reached: () => until(isThere, 60_000, () => 'no pre-push'),
      release: () => fs.rmSync(hook, { force: true }),
    }
  },
  'mid-pack, 2 MB': ({ gate, slow }) => {
    slow.holdAfter(1_500_000)
    return { reached: carried => carried(1_100_000).then(() => receiving(gate)), release: slow.flow }
  },
  // Long enough on its way to be met there.
  'mid-pack, 100 MB': ({ gate }) => ({
    reached: carried => carried(30_000_000).then(() => receiving(gate)),
    release() {},
  }),
  'during the scan': ({ gitleaks }) => {
    gitleaks.be('waits')
    return { reached: gitleaks.started, release: () => gitleaks.be('real') }
  },
  'during the forward': ({ gate }) => {
    const { begun, release } = holdForwards(gate.upstream)
    return { reached: begun, release }
  },
}

const SIZES: Partial<Record<Phase, number>> = { 'mid-pack, 2 MB': 2, 'mid-pack, 100 MB': 100 }

/** How much of its pack a client sends that stands still in the middle, where that is the test's to say. */
const PARTS: Partial<Record<Phase, number>> = { 'mid-pack, 2 MB': 1_500_000, 'mid-pack, 100 MB': 31 << 20 }

/** Starts a push and brings it to a phase. */
export async function pushHeldAt(scene: Scene, surface: Surface, phase: Phase): Promise<HeldPush> {
  await using all = new AsyncDisposableStack()
  const ref = scene.freshRef()
  const way = all.use(await wayTo(scene, surface))
  await changeFor(scene, ref, SIZES[phase])
  const { reached, release } = HOLDS[phase](scene)
  all.defer(release)
  const first = PARTS[phase]
  const push =
    surface === 'companion' && first
      ? await startRawPush(scene, surface, ref, { to: way.address.port, first })
      : await startPush(scene, surface, ref, way)
  all.defer(push.kill)
  const early = push.over.then(({ output }) => {
    throw new Error(`the push ended too early: ${output}`)
  })
  await Promise.race([reached(way.carried), early])
  const running = all.move()
  return {
    ...push,
    vanish() {
      way.cut()
      push.stop()
    },
    release() {
      release()
      push.sendRest()
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** A commit that is that ref's own, on the clone's HEAD. */
export async function changeFor({ work }: Scene, ref: string, size?: number): Promise<string> {
  await work.text(['reset', '-q', '--hard', 'origin/main'])
  return work.commit(`A change for ${ref}`, { big: size ? megabytes(size) : `${ref}\n` })
}

/** Waits until the companion's git takes in a pack: what was sent may still be on its way through the Worker. */
const receiving = (gate: Gate) =>
  until(
    () => (indexing(gate) ? true : undefined),
    60_000,
    () => 'no pack comes in',
  )
