import { seconds, until } from '../../harness/index.ts'
import type { SshTransferServer } from '../../lfs/ssh-transfer-server.ts'
import type { LfsScene } from '../fixtures/lfs-scene.ts'
import { DISKS } from './lfs-disks.ts'
import { inMidObject, type LfsFault, sent } from './lfs-faults.ts'

type TransferScene = LfsScene<SshTransferServer>

/** Passes on the first bytes of a session, and ends it. */
const FIRST_BYTES = 'stdbuf -o0 head -c 100000'

/** The session of upstream's program goes through this pipeline. */
const through = (words: string, before: string, after: string): LfsFault<TransferScene> =>
  sent(words, async ({ server, gate, upload }, bytes) => {
    // A session from before would not go through it.
    await gate.idle({ within: seconds(30) })
    server.wrap(before, after)
    const answer = await upload(bytes)
    server.wrap('exec', '')
    return answer
  })

/** Faults of an upload to an upstream with git-lfs-transfer, which the gate reaches over SSH alone. */
export const TRANSFER_FAULTS: readonly LfsFault<TransferScene>[] = [
  inMidObject('client killed', { isLeaving: true }),
  inMidObject('client stopped', { isLeaving: false }),
  sent('wrong bytes (SHA-256)', ({ upload }, bytes, object) =>
    upload(Buffer.from(bytes).fill(1, 9, 10), object),
  ),
  sent('two uploads of one object at once', async ({ upload }, bytes) => {
    const [first, second] = await Promise.all([upload(bytes), upload(bytes)])
    if (second.status !== first.status) throw new Error(`${first.status} and ${second.status} for one object`)
    return first
  }),
  through('upstream’s git-lfs-transfer ends, mid-object', `${FIRST_BYTES} |`, ''),
  through('upstream’s git-lfs-transfer answers half', '', '| head -c 40'),
  sent('upstream’s sshd is gone, mid-object', async ({ server, gate, upload }, bytes, { oid }) => {
    await gate.idle({ within: seconds(30) })
    server.wrap(`{ ${FIRST_BYTES}; sleep 100; } |`, '')
    const answer = upload(bytes)
    await until(
      () => (server.incomplete().some(each => each.oid === oid && each.size > 0) ? true : undefined),
      seconds(30),
      () => 'upstream gets no object',
    )
    await gate.upstream.stop()
    const said = await answer
    server.wrap('exec', '')
    await gate.upstream.start()
    return said
  }),
  ...DISKS,
]
