import { expect, test } from 'vitest'
import { startLfsServer } from '../harness/hosts/lfs-server.ts'
import { accepted, seconds, startGate } from '../harness/index.ts'
import { ATTRIBUTES, cloneWithLfs, content, noClient, sha256 } from './client.ts'

const COUNT = 1_000
const LATE = seconds(300)

test.skipIf(noClient)(
  '1,000 objects in one push reach upstream, each once, and another clone gets them',
  async () => {
    await using gate = await startGate()
    await using server = await startLfsServer(gate.upstream)
    const ada = await gate.agent('ada', { push: ['refs/heads/**'] })
    const work = await cloneWithLfs(ada)
    const files = Object.fromEntries(
      Array.from({ length: COUNT }, (_, i) => [`objects/${i}.bin`, `object ${i}\n`.repeat(100)]),
    )
    await work.commit('Many', { ...ATTRIBUTES, ...files })
    const pushed = await work.git(['push', 'origin', 'HEAD:refs/heads/many'], { within: LATE })
    expect(pushed, pushed.output).toMatchObject(accepted)
    expect(Object.values(files).filter(each => !server.has(sha256(each)))).toEqual([])
    expect(server.requests.filter(line => line === 'PUT /objects/…')).toHaveLength(COUNT)
    await gate.idle({ within: seconds(15) })
    const other = await cloneWithLfs(ada, '--branch', 'many')
    expect(content(other, 'objects/999.bin').toString()).toBe(files['objects/999.bin'])
  },
  2 * LATE,
)
