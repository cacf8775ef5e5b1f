import { formatBytes } from '../../../src/contract/text/format-bytes.ts'
import { ClientGone } from '../../client/request-body.ts'
import type { CommandList } from '../../git/command-list.ts'
import { saysOutOfMemory } from '../../process/memory-limit.ts'
import type { Settings } from '../../settings.ts'
import { abandoned, couldNotTake, pushRefusal, refused, type Verdict } from '../verdict.ts'
import type { ReceivingEnd } from './receiving.ts'

/** Returns the verdict on a push for which git exited without running pre-receive. */
export function unpackFailure(
  { isTooSlow, unfit, wasKilled, unpack, messages, stderr }: ReceivingEnd,
  commands: CommandList['commands'],
  settings: Settings,
): Verdict {
  if (isTooSlow)
    return {
      ...couldNotTake(commands, `git made no progress with the pack within ${settings.checkMs / 1000} s`),
      disconnectReason: 'git-timeout',
    }
  if (unfit) return refused(commands, [unfit])
  // A proxy between client and companion can end a truncated body as if it were complete. The pack then shows
  // it.
  if (
    /early EOF|eof before pack header|unexpected disconnect|premature end/.test(
      `${messages}${unpack}${stderr}`,
    )
  )
    return abandoned(commands, new ClientGone('incomplete-pack'))
  if (/No space left on device|Disk quota exceeded/.test(`${messages}${stderr}`))
    return couldNotTake(commands, 'its disk is full')
  if (saysOutOfMemory(`${messages}${stderr}`)) return refused(commands, [tooMuchMemory(settings)])
  if (unpack && unpack !== 'ok')
    return refused(commands, [
      pushRefusal(`git could not take the pack: ${unpack}`, ['git fsck names the fault in its objects']),
    ])
  const unanswered = couldNotTake(commands, 'git ended without an answer')
  return wasKilled ? { ...unanswered, disconnectReason: 'git-timeout' } : unanswered
}

/**
 * A delta of a few bytes can expand to gigabytes (gitformat-pack(5)), and git holds an object and its delta
 * base in memory together.
 */
const tooMuchMemory = ({ gitMemoryBytes, maxBlobBytes }: Settings) =>
  pushRefusal(`git needs more than ${formatBytes(gitMemoryBytes)} of memory to unpack this push`, [
    `a file in it is far larger than the ${formatBytes(maxBlobBytes)} that a file may have: leave it out, or keep it in Git LFS.`,
  ])
