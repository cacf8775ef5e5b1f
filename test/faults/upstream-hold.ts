import fs from 'node:fs'
import path from 'node:path'
import { type Upstream, until } from '../harness/index.ts'

/** Makes an upstream take its time over a push, so that the push stays in its forward. */
export function holdForwards(upstream: Upstream): { begun(): Promise<void>; release(): void } {
  const hold = path.join(upstream.dir, 'hold-push')
  const mark = path.join(upstream.dir, 'push-begun')
  fs.rmSync(mark, { force: true })
  fs.writeFileSync(hold, '')
  upstream.hook('pre-receive', `: > '${mark}'\nwhile [ -e '${hold}' ]; do sleep 0.05; done`)
  return {
    begun: async () => {
      await until(
        () => (fs.existsSync(mark) ? true : undefined),
        60_000,
        () => 'no push has come to upstream',
      )
    },
    release() {
      fs.rmSync(hold, { force: true })
      upstream.hook('pre-receive')
    },
  }
}
