import fs from 'node:fs'
import path from 'node:path'
import { gitText } from '../harness/index.ts'
import { mirrorOf, type Scene } from './scene.ts'

/**
 * From now on git does not get on with a pack that it has whole: to see that nothing is missing it asks for the refs
 * of an alternate (core.alternateRefsCommand in git-config(1)), and that command never ends. The answer mends it.
 */
export async function hangOnWholePacks({ gate }: Scene): Promise<() => Promise<void>> {
  const mirror = mirrorOf(gate)
  const alternates = path.join(mirror, 'objects/info/alternates')
  fs.mkdirSync(path.dirname(alternates), { recursive: true })
  fs.writeFileSync(alternates, `${path.join(gate.upstream.dir, 'objects')}\n`)
  await gitText(['config', 'core.alternateRefsCommand', 'exec sleep 1000; :'], { cwd: mirror })
  return async () => {
    fs.rmSync(alternates, { force: true })
    await gitText(['config', '--unset', 'core.alternateRefsCommand'], { cwd: mirror })
  }
}
