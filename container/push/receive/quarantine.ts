import { dirname, join, resolve } from 'node:path'
import { GateFault } from '../../checks/index.ts'
import { type Command, isDelete } from '../../git/command-list.ts'
import type { Mirror } from '../../mirror/mirror.ts'
import { pushRefusal, refused, type Verdict } from '../verdict.ts'
import type { HookRequest } from './pre-receive-channel.ts'

/**
 * Refuses the push if pre-receive lists fewer refs than the client sent: receive-pack drops a ref whose
 * objects are missing.
 */
export function refuseUnfit(hookRequest: HookRequest, commands: readonly Command[]): Verdict | undefined {
  const expectedLines = commands.map(c => `${c.old} ${c.new} ${c.ref}`)
  if (
    hookRequest.lines.length === expectedLines.length &&
    expectedLines.every(line => hookRequest.lines.includes(line))
  )
    return undefined
  return refused(commands, [
    pushRefusal('git found a ref of this push unfit: its objects are missing', [
      'push again; if that does not help, make a fresh clone',
    ]),
  ])
}

/** Returns the environment that lets git read the quarantine (git-receive-pack(1), "Quarantine Environment"). */
export function quarantineOf(
  hookRequest: HookRequest,
  mirror: Mirror,
  commands: readonly Command[],
): Record<string, string> {
  const quarantine = quarantineFolder(hookRequest, mirror, commands)
  if (quarantine === undefined) return {}
  return { GIT_OBJECT_DIRECTORY: quarantine, GIT_ALTERNATE_OBJECT_DIRECTORIES: hookRequest.alternates }
}

/** Returns the quarantine's folder. A push that only deletes refs has none. */
export function quarantineFolder(
  hookRequest: HookRequest,
  mirror: Mirror,
  commands: readonly Command[],
): string | undefined {
  if (hookRequest.objectDirectory === '' && commands.every(isDelete)) return undefined
  const quarantine = resolve(mirror.git.dir, hookRequest.objectDirectory)
  if (dirname(quarantine) !== join(mirror.git.dir, 'objects'))
    throw new GateFault('its quarantine is not where git puts it')
  return quarantine
}
